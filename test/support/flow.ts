// The steps of a flow, each on its own: register, authorize, redeem, refresh, introspect. `connect` is all of them.
// Called by the tests of the protocol, which break one step at a time.

import { createHash, randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Decision, Person } from './person.ts';
import { proceedLink } from './person-form.ts';
import { RESOURCE, SERVER, type Server } from './server.ts';

/** Nobody listens there: the person stops where the browser would leave the issuer. */
export const CALLBACK = 'http://127.0.0.1:3999/callback';

/** `undefined` leaves a parameter out, a list repeats it. */
export type Params = Record<string, string | string[] | undefined>;
export type Secret = { id: string; secret: string };
export type Client = { client_id: string; client_secret?: string; token_endpoint_auth_method?: string };
export type Answer = Awaited<ReturnType<Server['post']>>;

export const pkce = (verifier = randomBytes(32).toString('base64url')) => ({
  verifier,
  challenge: createHash('sha256').update(verifier).digest('base64url'),
});

export function search(params: Params): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const each of [value ?? []].flat()) query.append(name, each);
  }
  return query;
}

/** A public native client unless `metadata` says otherwise, and no other's; throws when it is refused. */
export async function register(server: Server, metadata: Record<string, unknown> = {}) {
  const { status, body } = await server.json('/register', {
    client_name: 'A client',
    redirect_uris: [CALLBACK],
    token_endpoint_auth_method: 'none',
    software_id: randomBytes(8).toString('hex'),
    ...metadata,
  });
  if (status !== 201) throw new Error(`/register answered ${status}: ${JSON.stringify(body)}`);
  return body as Client & { redirect_uris: string[] };
}

/** An honest request to the authorization endpoint, with `params` put over it. */
export const authorizeUrl = (server: Server, params: Params): string =>
  `${server.issuer}/authorize?${search({
    response_type: 'code',
    redirect_uri: CALLBACK,
    resource: RESOURCE,
    scope: 'library:read library:write',
    state: 'a state',
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
    ...params,
  })}`;

/** One GET, as a program makes it, which gets error redirects and JSON; redirects are not followed. */
export async function get(url: string, headers: Record<string, string> = {}): Promise<Response> {
  const response = await fetch(url, { redirect: 'manual', headers: { accept: 'text/html', ...headers } });
  if (response.status !== 200 || !response.headers.get('content-type')?.startsWith('text/html'))
    return response;
  // a page that names an unknown address and asks to go on is gone on from
  const location = proceedLink(await response.clone().text(), new URL(url));
  if (!location || location.startsWith(new URL(url).origin)) return response;
  return new Response(null, { status: 303, headers: { location } });
}

/** The same, as a browser makes it that has been nowhere: what goes wrong is a page. */
export const browse = (url: string): Promise<Response> =>
  get(url, { accept: 'text/html,application/xhtml+xml' });

/** Where a response sends the browser to; throws when it stays. */
export function redirectOf(response: Response): URL {
  const location = response.headers.get('location');
  if (!location) throw new Error(`no redirect, but ${response.status}`);
  return new URL(location);
}

/** What an error redirect carries. */
export const errorOf = (url: URL) => Object.fromEntries(url.searchParams);

export type Wish = Decision & {
  by?: Person;
  /** Registered beforehand, or with these members. */
  client?: Client;
  metadata?: Record<string, unknown>;
  /** For the authorization endpoint. */
  params?: Params;
};

/** As far as the code: registers, signs in, decides. */
export async function authorize(
  server: Server,
  { by, client: known, metadata, params, ...decision }: Wish = {},
) {
  const client = known ?? (await register(server, metadata));
  const person = by ?? server.alex();
  const { verifier, challenge } = pkce();
  const url = authorizeUrl(server, { client_id: client.client_id, code_challenge: challenge, ...params });
  const callback = new URL(await person.approve(url, decision));
  const code = callback.searchParams.get('code') ?? '';
  /** Redeems the code, with `changes` put over an honest request, or `as` somebody else. */
  const redeemWith = (changes: Params = {}, as?: Secret): Promise<Answer> =>
    ask(
      server,
      client,
      {
        grant_type: 'authorization_code',
        code,
        redirect_uri: [params?.['redirect_uri'] ?? CALLBACK].flat()[0],
        code_verifier: verifier,
        ...changes,
      },
      as,
    );
  return { client, person, callback, code, verifier, redeemWith };
}

/** A request to the token endpoint, by the client's own way to authenticate. */
function ask(server: Server, client: Client, params: Params, as?: Secret): Promise<Answer> {
  const { client_id, client_secret, token_endpoint_auth_method: method } = client;
  const basic =
    client_secret !== undefined && method !== 'client_secret_post'
      ? { id: client_id, secret: client_secret }
      : undefined;
  const own: Params = basic || as ? {} : { client_id, client_secret };
  return server.post('/token', search({ ...own, ...params }), as ?? basic);
}

/** All of it; throws when no tokens come. */
export async function connect(server: Server, wish: Wish = {}) {
  const authorized = await authorize(server, wish);
  const { status, body } = await authorized.redeemWith();
  if (status !== 200) throw new Error(`/token answered ${status}: ${JSON.stringify(body)}`);
  const refresh = (token: string, changes: Params = {}): Promise<Answer> =>
    ask(server, authorized.client, { grant_type: 'refresh_token', refresh_token: token, ...changes });
  return {
    ...authorized,
    tokens: body as {
      access_token: string;
      refresh_token: string;
      scope: string;
      expires_in: number;
      token_type: string;
    },
    refresh,
  };
}

export type Connected = Awaited<ReturnType<typeof connect>>;

/** What the MCP server learns of a token; the library's unless told. */
export const introspect = async (server: Server, token: string, as: Secret = SERVER) =>
  (await server.post('/introspect', { token }, as)).body;

/** The claims of a JWT, unverified. */
export const claimsOf = (jwt: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'));

/** The id of the decision behind a token. */
export const grantOf = (jwt: string): string => String(claimsOf(jwt)['grant_id']);

/** Does domain work and makes it durable, as a request does. */
export async function durably<T>(
  server: Server,
  task: (work: ReturnType<Server['rooms']['work']>) => Promise<T> | T,
): Promise<T> {
  const work = server.rooms.work();
  const result = await task(work);
  await work.commit();
  return result;
}

/** Every read of a code or a token goes through `around` from now on; returns what takes it away again. */
function aroundReads({ rooms }: Server, around: <T>(read: () => Promise<T>) => Promise<T>): () => void {
  const { artifacts } = rooms.storage;
  const { find, held } = artifacts;
  artifacts.find = (key) => around(() => find(key));
  artifacts.held = (key) => around(() => held(key));
  return () => void Object.assign(artifacts, { find, held });
}

/**
 * Every read of a code or a token takes 15 ms longer from now on. Without it, requests to one process finish one
 * after the other, and a race proves nothing.
 */
export function slowReads(server: Server): void {
  aroundReads(server, async (read) => {
    const row = await read();
    await setTimeout(15);
    return row;
  });
}

/** Does `task` while the database is away. */
export async function databaseAway<T>(server: Server, task: () => Promise<T>): Promise<T> {
  const back = aroundReads(server, async () => {
    throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' });
  });
  return task().finally(back);
}
