// A client manages its own registration (RFC 7592), under the policy of the first one, and never anybody else's.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authorize,
  authorizeUrl,
  CALLBACK,
  type Client,
  connect,
  durably,
  get,
  register,
} from '../support/flow.ts';
import { SERVER, type Server, startServer } from '../support/server.ts';
import { stored } from '../support/stored.ts';

type Managed = Client & {
  redirect_uris: string[];
  registration_access_token: string;
  registration_client_uri: string;
} & Record<string, unknown>;

let server: Server;
beforeAll(async () => {
  server = await startServer({
    config: {
      clients: [{ id: 'entered', name: 'Entered', redirect_uris: [CALLBACK], secret: 'a-secret-of-its-own' }],
    },
  });
});
afterAll(() => server.close());

const own = async (metadata: Record<string, unknown> = {}): Promise<Managed> =>
  (await register(server, { token_endpoint_auth_method: 'client_secret_post', ...metadata })) as Managed;

async function manage(method: string, url: string, token?: string, body?: unknown) {
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined };
}

const read = (client: Managed, token = client.registration_access_token) =>
  manage('GET', client.registration_client_uri, token);

/** A whole replacement, as RFC 7592 §2.2 has it, with `changes`. */
const put = (
  { client_id, client_secret, redirect_uris, ...client }: Managed,
  changes: Record<string, unknown> = {},
) =>
  manage('PUT', client.registration_client_uri, client.registration_access_token, {
    client_id,
    client_secret,
    redirect_uris,
    client_name: client['client_name'],
    token_endpoint_auth_method: 'client_secret_post',
    ...changes,
  });

it('reads what it registered, and never its secret', async () => {
  const client = await own({ client_name: 'Reads itself' });
  const { status, headers, body } = await read(client);
  const { client_secret, client_secret_expires_at, ...told } = client;
  expect([status, body]).toEqual([200, told]);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('access-control-allow-origin')).toBe('*');
  expect(client.registration_client_uri).toBe(`${server.issuer}/register/${client.client_id}`);
});

it('replaces it whole: what is left out is gone, its id and secret stay', async () => {
  const client = await own({ client_name: 'Before', client_uri: 'https://before.example/' });
  await connect(server, { client });
  const redirect_uris = ['https://app.example/new'];
  const { status, body } = await put(client, { client_name: 'After', redirect_uris });
  expect([status, body.client_name, body.redirect_uris]).toEqual([200, 'After', redirect_uris]);
  expect(body).not.toHaveProperty('client_uri');
  expect(body).not.toHaveProperty('client_secret');
  expect((await read(client)).body).toEqual(body);
  const params = { redirect_uri: redirect_uris[0] as string };
  expect((await (await authorize(server, { client, params })).redeemWith()).status).toBe(200);
  expect((await get(authorizeUrl(server, { client_id: client.client_id }))).status).toBe(400);
});

it('a person who allowed it before is asked again when codes would go elsewhere', async () => {
  const client = await own();
  const person = server.alex();
  await connect(server, { client, by: person });
  const redirect_uris = ['https://evil.example/take'];
  expect((await put(client, { redirect_uris })).status).toBe(200);
  const url = authorizeUrl(server, { client_id: client.client_id, redirect_uri: redirect_uris[0] as string });
  const pages: string[] = [];
  await person.approve(url, { deny: true, inspect: (html, kind) => pages.push(`${kind} ${html}`) });
  expect(pages).toEqual([expect.stringMatching(/^consent .*evil\.example/s)]);
});

describe('the policy of the first registration holds for every other', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['a redirect over http', { redirect_uris: ['http://evil.example/cb'] }, 'invalid_redirect_uri'],
    ['no redirect', { redirect_uris: undefined }, 'invalid_redirect_uri'],
    ['a script for a logo', { logo_uri: 'javascript:alert(1)' }, 'invalid_client_metadata'],
    ['another id', { client_id: 'entered' }, 'invalid_client_metadata'],
    ['no id', { client_id: undefined }, 'invalid_client_metadata'],
    ['a secret of its choice', { client_secret: 'mine' }, 'invalid_client_metadata'],
    ['to need no secret any more', { token_endpoint_auth_method: 'none' }, 'invalid_client_metadata'],
    ['a token of its choice', { registration_access_token: 'mine' }, 'invalid_request'],
    ['another birthday', { client_id_issued_at: 0 }, 'invalid_request'],
  ])('%s', async (_what, changes, error) => {
    const client = await own();
    const before = stored(server);
    const { status, body } = await put(client, changes);
    expect([status, body.error]).toEqual([400, error]);
    expect(stored(server)).toEqual(before);
    expect((await read(client)).body.redirect_uris).toEqual([CALLBACK]);
  });

  it('grants that nobody asks a person for are dropped again', async () => {
    const client = await own();
    const { body } = await put(client, { grant_types: ['authorization_code', 'client_credentials'] });
    expect(body.grant_types).toEqual(['authorization_code']);
  });
});

describe('nobody else', () => {
  it('with no token, a wrong one, another client’s, in the query, or of another sort', async () => {
    const [client, other] = [await own(), await own()];
    const { tokens } = await connect(server, { client });
    const url = client.registration_client_uri;
    for (const method of ['GET', 'PUT', 'DELETE']) {
      for (const token of [
        undefined,
        'x',
        other.registration_access_token,
        tokens.access_token,
        client.client_secret,
      ]) {
        const body =
          method === 'PUT' ? { client_id: client.client_id, redirect_uris: [CALLBACK] } : undefined;
        const answer = await manage(method, url, token, body);
        expect([answer.status, answer.body.error]).toEqual([401, 'invalid_token']);
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
      }
    }
    const inQuery = `${url}?access_token=${client.registration_access_token}`;
    expect((await manage('GET', inQuery)).status).toBe(401);
    expect((await read(client)).status).toBe(200);
  });

  it('its token is good for nothing else', async () => {
    const client = await own();
    const token = client.registration_access_token;
    expect((await server.post('/introspect', { token }, SERVER)).body).toEqual({ active: false });
    expect(JSON.stringify(stored(server))).not.toContain(token);
    expect(server.log()).not.toContain(token);
  });

  it.each(['entered', 'nobody', encodeURIComponent('https://app.example/client.json')])(
    'there is nothing to manage of %s',
    async (id) => {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const answer = await manage(
          method,
          `${server.issuer}/register/${id}`,
          (await own()).registration_access_token,
        );
        expect([401, 404]).toContain(answer.status);
      }
    },
  );

  it('a registration that many share is nobody’s to change', async () => {
    const { client_id } = await register(server);
    const answer = await manage(
      'DELETE',
      `${server.issuer}/register/${client_id}`,
      (await own()).registration_access_token,
    );
    expect(answer.status).toBe(401);
  });
});

it('a disabled client cannot help itself', async () => {
  const client = await own();
  await durably(server, (work) => server.rooms.clients.setDisabled(work, client.client_id, true));
  expect((await read(client)).status).toBe(401);
  expect((await put(client)).status).toBe(401);
  expect(
    (await manage('DELETE', client.registration_client_uri, client.registration_access_token)).status,
  ).toBe(401);
  expect((await server.rooms.clients.find(client.client_id))?.disabled).toBe(true);
  expect((await get(authorizeUrl(server, { client_id: client.client_id }))).status).toBe(400);
});

it('withdrawn is gone: its id, its secret, its tokens and its registration', async () => {
  const client = await own();
  const { tokens, refresh } = await connect(server, { client });
  const answer = await manage('DELETE', client.registration_client_uri, client.registration_access_token);
  expect([answer.status, answer.body]).toEqual([204, undefined]);
  expect((await refresh(tokens.refresh_token)).body.error).toBe('invalid_client');
  expect((await server.post('/introspect', { token: tokens.access_token }, SERVER)).body).toEqual({
    active: false,
  });
  expect((await get(authorizeUrl(server, { client_id: client.client_id }))).status).toBe(400);
  expect((await read(client)).status).toBe(401);
  expect((await put(client)).status).toBe(401);
});

it('of a change and a withdrawal at once, the client is gone whichever is first', async () => {
  for (let round = 0; round < 5; round += 1) {
    const client = await own();
    const withdrawal = manage('DELETE', client.registration_client_uri, client.registration_access_token);
    const changes = [put(client, { client_name: 'One' }), put(client, { client_name: 'Two' })];
    expect((await withdrawal).status).toBe(204);
    for (const change of await Promise.all(changes)) expect([200, 401]).toContain(change.status);
    expect((await read(client)).status).toBe(401);
  }
});
