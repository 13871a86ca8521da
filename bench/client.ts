// A client that connects: it registers, has a person sign in and allow, and uses what it gets. One virtual client
// is one installation with tokens of its own. It throws at the first answer that is not what it should be.

import { createHash, randomBytes } from 'node:crypto';
import { Pool } from 'undici';
import { sentTo } from '../test/races/balance.ts';
import { person } from '../test/support/person.ts';
import { ACCOUNT, CALLBACK, RESOURCE, RESOURCE_SERVER, SCOPE } from './world.ts';

export type Code = { code: string; verifier: string };
export type Tokens = { access_token: string; refresh_token: string };
export type Client = Awaited<ReturnType<typeof connect>>;

const METADATA = '/.well-known/oauth-authorization-server';

async function answered(pool: Pool, path: string, body: string | undefined, headers: Record<string, string>) {
  const answer = await pool.request({
    path,
    method: body === undefined ? 'GET' : 'POST',
    headers,
    body: body ?? null,
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`${path}: ${answer.statusCode} ${text.slice(0, 300)}`);
  return text;
}

/**
 * A client of the server at `origin`, over a connection of its own; registered, unless the server only has documents.
 * `at` is the address of one of several processes that are that server.
 */
export async function connect(origin: string, { onlyDocuments = false, at: address = origin } = {}) {
  const pool = new Pool(address, { connections: 1 });
  const { host } = new URL(origin);
  const send = (path: string, body?: string, headers: Record<string, string> = {}): Promise<string> =>
    answered(pool, path, body, { ...headers, host });
  const found = JSON.parse(await send(METADATA)) as Record<string, string>;
  const at = (name: string): string => new URL(found[`${name}_endpoint`] ?? '').pathname;
  const form = (fields: Record<string, string>): string => new URLSearchParams(fields).toString();
  const asForm = { 'content-type': 'application/x-www-form-urlencoded' };
  const basic = Buffer.from(`${RESOURCE_SERVER.id}:${RESOURCE_SERVER.secret}`).toString('base64');

  const register = async (): Promise<string> => {
    const document = {
      client_name: 'Bench',
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
    const made = await send(at('registration'), JSON.stringify(document), {
      'content-type': 'application/json',
    });
    return JSON.parse(made).client_id;
  };
  const token = async (fields: Record<string, string>): Promise<Tokens> =>
    JSON.parse(await send(at('token'), form({ ...fields, client_id: clientId, resource: RESOURCE }), asForm));
  const clientId = onlyDocuments ? '' : await register();

  // A person goes to the process that the client asks: each has its own share of sign-ins, too.
  const through = (url: string | URL | Request, init?: RequestInit): Promise<Response> =>
    sentTo(Number(new URL(address).port), String(url), init);

  return {
    someone: () => person({ ...ACCOUNT, ...(address !== origin && { fetch: through }) }),
    metadata: (): Promise<string> => send(METADATA),
    jwks: (): Promise<string> => send('/jwks'),
    register,
    close: (): Promise<void> => pool.close(),

    /** The person does whatever the server asks: signs in, allows, or nothing at all when both have been done. */
    async authorize(by: ReturnType<typeof person>): Promise<Code> {
      const verifier = randomBytes(32).toString('base64url');
      const query = form({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: CALLBACK,
        scope: SCOPE,
        resource: RESOURCE,
        state: randomBytes(8).toString('base64url'),
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      });
      const callback = new URL(await by.approve(`${found['authorization_endpoint']}?${query}`));
      const code = callback.searchParams.get('code');
      if (!code) throw new Error(`no code: ${callback.search}`);
      return { code, verifier };
    },

    exchange: ({ code, verifier }: Code): Promise<Tokens> =>
      token({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: verifier }),

    refresh: (refreshToken: string): Promise<Tokens> =>
      token({ grant_type: 'refresh_token', refresh_token: refreshToken }),

    /** As the MCP server. */
    async introspect(accessToken: string): Promise<void> {
      const headers = { ...asForm, authorization: `Basic ${basic}` };
      const said = await send(at('introspection'), form({ token: accessToken }), headers);
      if (JSON.parse(said).active !== true) throw new Error('an active token was called inactive');
    },
  };
}
