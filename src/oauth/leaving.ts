// RFC 9700 §4.11.2: an authorization server must not be an open redirector. A request that fails before anybody has
// seen a page would throw a browser at whatever address a self-registered client chose; it gets a page instead.

import type { Context } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { EngineClients } from './clients.ts';

export type Leaving = { clientName: string; href: string };

/** Where the browser would be thrown, or undefined when the redirect may go as it is. */
export async function leaving(
  ctx: Context,
  issuer: string,
  clients: EngineClients,
): Promise<Leaving | undefined> {
  const href = ctx.response.get('Location');
  // within the server; or a program, which follows nothing that it has not asked for
  if (!URL.canParse(href) || href.startsWith(`${issuer}/`) || !ctx.get('Accept').includes('text/html'))
    return undefined;
  const { client } = (ctx as unknown as KoaContextWithOIDC).oidc;
  if (!client) return undefined;
  const shown = await clients.shown(client.clientId, href);
  return shown?.verified ? undefined : { clientName: shown?.name ?? client.clientId, href };
}
