// Sending a browser to an upstream: the cookie that only this browser holds is set here, at the press of a button of
// ours and at no other moment, so that whoever comes back is whoever set out (MCP security best practices).

import type { Context } from 'koa';
import type { OAuthUpstream } from '../../config.ts';
import type { Departure } from '../../domain/upstream/transactions.ts';
import { TRIP_LIFE } from '../../domain/upstream/transactions.ts';
import { Refusal } from '../../errors.ts';
import { goTo } from '../view.ts';
import type { PageRooms } from './rooms.ts';
import { workOf } from './visitor.ts';

/** Two windows may be on their way at once; a browser that held hundreds would send headers that nobody takes. */
const MOST = 4;

export type Leaving = Omit<Departure, 'redirectUri' | 'scopes' | 'upstream'> & {
  /** What is asked for there; what sign-in needs unless told. */
  scopes?: readonly string[];
  loginHint?: string | undefined;
  /** OIDC Core §3.1.2.1. */
  prompt?: 'login' | 'select_account' | undefined;
};

export function trips({ config, domain }: Pick<PageRooms, 'config' | 'domain'>) {
  const { protocol } = new URL(config.issuer);
  const prefix = protocol === 'https:' ? '__Host-cardea_upstream_' : 'cardea_upstream_';
  // Not signed: the row has its digest, and it opens the row.
  const options = { signed: false, httpOnly: true, sameSite: 'lax', path: '/', overwrite: true } as const;
  const nameOf = (id: string): string => `${prefix}${id.slice(0, 16)}`;

  function makeRoom(ctx: Context): void {
    const held = ctx
      .get('Cookie')
      .split(/;\s*/)
      .flatMap((pair) => pair.split('=')[0] ?? [])
      .filter((name) => name.startsWith(prefix));
    // RFC 6265 §5.4: the oldest come first
    for (const name of held.slice(0, Math.max(0, held.length - MOST + 1)))
      ctx.cookies.set(name, null, options);
  }

  return {
    /** Those that people can sign in with. */
    forSignIn: (): OAuthUpstream[] =>
      domain.upstreams
        .all()
        .flatMap(({ declaration }) =>
          declaration.kind !== 'key' && declaration.signIn ? [declaration] : [],
        ),

    /** Throws a Refusal when there is no such upstream, or it cannot be reached. */
    async setOut(ctx: Context, name: string, leaving: Leaving): Promise<void> {
      const upstream = domain.upstreams.find(name);
      const usable = upstream?.connector && (leaving.purpose === 'connect' || upstream.declaration.signIn);
      if (!usable) {
        throw new Refusal('There is no such way to sign in.', { reason: 'upstream_unknown', status: 404 });
      }
      const { loginHint, prompt, scopes = upstream.declaration.scopes, ...departure } = leaving;
      const begun = domain.trips.begin(workOf(ctx), {
        ...departure,
        upstream: name,
        scopes,
        redirectUri: `${config.issuer}/upstream/${name}/callback`,
      });
      const address = await upstream.connector.authorizationUrl({
        ...begun.transaction,
        // the app chose it: nothing to be sent on unbounded
        ...(loginHint && loginHint.length <= 256 ? { loginHint } : {}),
        ...(prompt && { prompt }),
      });
      makeRoom(ctx);
      ctx.cookies.set(nameOf(begun.id), begun.cookie, { ...options, maxAge: TRIP_LIFE });
      goTo(ctx, address.href);
    },

    cookie: (ctx: Context, id: string): string | undefined => ctx.cookies.get(nameOf(id), { signed: false }),
    forget: (ctx: Context, id: string): void => void ctx.cookies.set(nameOf(id), null, options),
  };
}
