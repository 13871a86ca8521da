// Pushed authorization requests (RFC 9126): a client says beforehand, on its own connection, what its person will be
// asked; the browser carries only a name for it, which is good once. THREATS D25.

import { describe, expect, it } from 'vitest';
import {
  authorizeUrl,
  browse,
  CALLBACK,
  type Client,
  claimsOf,
  errorOf,
  get,
  type Params,
  pkce,
  redirectOf,
  register,
  search,
} from '../support/flow.ts';
import { later } from '../support/later.ts';
import { toolsOn } from '../support/person-tools.ts';
import { RESOURCE } from '../support/server.ts';
import { alex, server } from '../support/signed-in.ts';
import { stored } from '../support/stored.ts';

const { verifier, challenge } = pkce();
const honest = (client_id: string): Params => ({
  client_id,
  response_type: 'code',
  redirect_uri: CALLBACK,
  resource: RESOURCE,
  scope: 'library:read',
  state: 'a state',
  code_challenge: challenge,
  code_challenge_method: 'S256',
});

const push = ({ client_id, client_secret }: Client, changes: Params = {}) =>
  server.post(
    '/par',
    search({ ...honest(client_id), ...changes }),
    client_secret === undefined ? undefined : { id: client_id, secret: client_secret },
  );

async function pushed(client: Client, changes: Params = {}): Promise<string> {
  const { status, body } = await push(client, changes);
  expect([status, body.error_description]).toEqual([201, undefined]);
  return body.request_uri as string;
}

const go = (client_id: string, request_uri: string, more: Params = {}): string =>
  `${server.issuer}/authorize?${search({ client_id, request_uri, ...more })}`;

const redeem = (callback: string, { client_id, client_secret }: Client) =>
  server.post(
    '/token',
    {
      grant_type: 'authorization_code',
      code: new URL(callback).searchParams.get('code') ?? '',
      redirect_uri: CALLBACK,
      code_verifier: verifier,
      ...(client_secret === undefined ? { client_id } : {}),
    },
    client_secret === undefined ? undefined : { id: client_id, secret: client_secret },
  );

const SECRET = { token_endpoint_auth_method: 'client_secret_basic' };

describe('a pushed request', () => {
  it.each([
    ['a public client', {}],
    ['one with a secret', SECRET],
  ])('of %s becomes tokens', async (_who, metadata) => {
    const client = await register(server, metadata);
    const { status, body, headers } = await push(client);
    expect([status, body.expires_in <= 90, headers.get('cache-control')]).toEqual([201, true, 'no-store']);
    expect(body.request_uri).toMatch(/^urn:ietf:params:oauth:request_uri:[\w-]{21,}$/);
    const callback = await alex.approve(go(client.client_id, body.request_uri));
    expect(new URL(callback).searchParams.get('state')).toBe('a state');
    const tokens = await redeem(callback, client);
    expect(tokens.body.scope).toBe('library:read');
    expect(claimsOf(tokens.body.access_token)['aud']).toBe(RESOURCE);
  });

  it('is set straight as one in the address is: unknown scopes, spelling of the resource, stray parameters', async () => {
    const client = await register(server);
    const uri = await pushed(client, {
      resource: RESOURCE.replace('http', 'HTTP'),
      scope: ' library:read nope  offline_access',
      nonce: 'n',
      max_age: '86400',
      prompt: 'select_account',
    });
    const callback = await alex.approve(go(client.client_id, uri));
    expect(callback).toContain('code=');
    const { body } = await redeem(callback, client);
    expect([body.scope, claimsOf(body.access_token)['aud']]).toEqual(['library:read', RESOURCE]);
  });

  it('wins over whatever else stands in the address', async () => {
    const client = await register(server, { redirect_uris: [CALLBACK, 'http://127.0.0.1:3999/other'] });
    const uri = await pushed(client);
    const more = {
      scope: 'library:read library:write',
      redirect_uri: 'http://127.0.0.1:3999/other',
      state: 'another',
      code_challenge: pkce().challenge,
      response_mode: 'fragment',
    };
    const offered: string[] = [];
    const callback = await alex.approve(go(client.client_id, uri, more), {
      inspect: (html, kind) =>
        void (kind === 'consent' && offered.push(...toolsOn(html).map(({ tool }) => tool))),
    });
    expect(offered).toEqual(['search_books', 'list_loans']);
    expect(callback).toMatch(/^http:\/\/127\.0\.0\.1:3999\/callback\?/);
    expect(new URL(callback).searchParams.get('state')).toBe('a state');
    expect((await redeem(callback, client)).status).toBe(200);
  });
});

describe('a request_uri is refused', () => {
  /** A page, or an error that goes to the one address that the client has registered; in no case a question. */
  const refused = async (response: Response) => {
    const location = response.headers.get('location');
    if (!location) return expect(response.status).toBe(400);
    expect(location).toMatch(/^http:\/\/127\.0\.0\.1:3999\/callback\?error=/);
    expect(errorOf(new URL(location))['error']).toMatch(
      /^(invalid_request_uri|request_uri_not_supported|invalid_request)/,
    );
  };

  it('the second time, whether the first was answered or not', async () => {
    const client = await register(server);
    const uri = await pushed(client);
    const first = await alex.visit(go(client.client_id, uri));
    expect(first.status).toBe(200);
    await refused(await browse(go(client.client_id, uri)));
    // the page that it opened goes on working
    expect((await alex.visit(first.url)).status).toBe(200);
  });

  it('from another client', async () => {
    const [mine, other] = [await register(server), await register(server)];
    const uri = await pushed(mine);
    await refused(await browse(go(other.client_id, uri)));
    // and that has not used it up
    expect((await alex.visit(go(mine.client_id, uri))).status).toBe(200);
  });

  it('once it is old', async () => {
    const client = await register(server);
    const uri = await pushed(client);
    later(91_000);
    await refused(await browse(go(client.client_id, uri)));
  });

  it.each([
    'urn:ietf:params:oauth:request_uri:made-up-by-somebody-else',
    'urn:ietf:params:oauth:request_uri:',
    'https://app.example/request.jwt',
    'http://169.254.169.254/',
    'x',
  ])('when it is none of ours: %s', async (uri) => {
    const { client_id } = await register(server);
    await refused(await browse(go(client_id, uri)));
  });

  it('when the row of a stolen database is taken for it', async () => {
    const client = await register(server);
    await pushed(client);
    const rows = (stored(server)['artifacts'] ?? []).filter(
      ({ model }) => model === 'PushedAuthorizationRequest',
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { key } of rows) {
      await refused(await browse(go(client.client_id, `urn:ietf:params:oauth:request_uri:${key}`)));
    }
  });
});

it('of a request_uri that is used nothing is left in the database', async () => {
  const client = await register(server);
  const uri = await pushed(client);
  await alex.visit(go(client.client_id, uri));
  expect(JSON.stringify(stored(server))).not.toContain(uri.split(':').at(-1));
});

describe('pushing is refused in JSON', () => {
  it.each<[string, Params, string]>([
    ['an unknown redirect URI', { redirect_uri: 'https://evil.example/cb' }, 'invalid_request'],
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['an unknown resource', { resource: 'https://unknown.example/mcp' }, 'invalid_target'],
    ['another response type', { response_type: 'token' }, 'unsupported_response_type'],
    [
      'a request_uri inside',
      { request_uri: 'urn:ietf:params:oauth:request_uri:x' },
      'request_uri_not_supported',
    ],
    ['a response mode that is not offered', { response_mode: 'fragment' }, 'unsupported_response_mode'],
    ['an age that is no number', { max_age: 'NaN' }, 'invalid_request'],
  ])('%s', async (_what, changes, error) => {
    const { status, body } = await push(await register(server), changes);
    expect([status, body]).toEqual([400, expect.objectContaining({ error, trace_id: expect.any(String) })]);
  });

  it('from a client that does not prove itself', async () => {
    const client = await register(server, SECRET);
    const wrong = await push({ ...client, client_secret: 'not the secret' });
    expect([wrong.status, wrong.body.error]).toEqual([401, 'invalid_client']);
    const none = await server.post('/par', search(honest(client.client_id)));
    expect([none.status, none.body.error]).toEqual([401, 'invalid_client']);
    const unknown = await push({ client_id: 'nobody' });
    expect([unknown.status, unknown.body.error]).toEqual([401, 'invalid_client']);
  });

  it('other methods', async () => {
    const response = await fetch(`${server.issuer}/par`);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

it('of eight browsers with one request_uri, one is shown a page', async () => {
  const client = await register(server);
  const uri = await pushed(client);
  const answers = await Promise.all(Array.from({ length: 8 }, () => browse(go(client.client_id, uri))));
  const asked = answers.filter(({ headers }) => headers.get('location')?.includes('/interaction/'));
  expect(asked).toHaveLength(1);
});

it('the metadata says where', async () => {
  const response = await fetch(`${server.issuer}/.well-known/oauth-authorization-server`);
  const found = (await response.json()) as Record<string, unknown>;
  expect(found['pushed_authorization_request_endpoint']).toBe(`${server.issuer}/par`);
});

it('a request in the address works as ever, and a signed request in it is not taken', async () => {
  const { client_id } = await register(server);
  expect((await browse(authorizeUrl(server, { client_id }))).status).toBe(303);
  const jar = await get(authorizeUrl(server, { client_id, request: 'e30.e30.' }));
  expect(errorOf(redirectOf(jar))['error']).toBe('request_not_supported');
});
