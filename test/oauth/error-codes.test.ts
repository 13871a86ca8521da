// The error codes of the token endpoint (RFC 6749 §5.2), by what a client has to do about each: clients read nothing
// else. `invalid_grant`: ask the person again. `invalid_client`: register again. `invalid_request`: mend the request, and
// what it brought is as good as before. 429 and 503: the same again, later. PROTOCOL T8.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authorize,
  type Connected,
  connect,
  databaseAway,
  durably,
  type Params,
  register,
  search,
} from '../support/flow.ts';
import { later } from '../support/later.ts';
import type { Person } from '../support/person.ts';
import { OTHER_RESOURCE, SERVER, type Server, startServer } from '../support/server.ts';

const CLOSED = { id: 'closed', name: 'Closed', redirect_uris: ['http://127.0.0.1/callback'] };

let server: Server;
let alex: Person;
beforeAll(async () => {
  server = await startServer({ config: { clients: [CLOSED], limits: { sign_ins: 2, registrations: 0 } } });
  alex = await server.signedIn();
});
afterAll(() => server.close());

const day = 24 * 3600_000;

async function told(
  answer: Awaited<ReturnType<Server['post']>>,
  status: number,
  error: string,
): Promise<void> {
  const { headers, body } = answer;
  expect([answer.status, body]).toEqual([
    status,
    {
      error,
      error_description: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/),
      trace_id: expect.any(String),
    },
  ]);
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect([headers.get('cache-control'), headers.get('location')]).toEqual(['no-store', null]);
  expect(headers.get('www-authenticate') !== null).toBe(status === 401);
  expect(headers.get('retry-after') !== null).toBe([429, 503].includes(status));
}

describe('ask the person again: invalid_grant', () => {
  it.each<[string, (of: Connected) => Promise<unknown>]>([
    [
      'when they ended the connection',
      () => durably(server, (work) => server.rooms.grants.endAll(work, server.account.id, 'x')),
    ],
    [
      'when it was revoked',
      ({ client, tokens }) =>
        server.post('/revoke', { token: tokens.refresh_token, client_id: client.client_id }),
    ],
    [
      'when it was used twice',
      async ({ tokens, refresh }) => {
        const { body } = await refresh(tokens.refresh_token);
        await refresh(body.refresh_token);
        await refresh(tokens.refresh_token);
      },
    ],
    ['when it has not been used for long', async () => later(61 * day)],
    [
      'while their account is disabled',
      () => durably(server, (work) => server.rooms.accounts.setDisabled(work, 'alex', true)),
    ],
  ])('for a refresh token %s', async (_why, happens) => {
    const mine = await connect(server);
    await happens(mine);
    try {
      await told(await mine.refresh(mine.tokens.refresh_token), 400, 'invalid_grant');
    } finally {
      await durably(server, (work) => server.rooms.accounts.setDisabled(work, 'alex', false));
    }
  });

  it.each<[string, (of: Awaited<ReturnType<typeof authorize>>) => Promise<Params | undefined>]>([
    ['that was used', async ({ redeemWith }) => void (await redeemWith())],
    ['that is old', async () => void later(61_000)],
    ['with another verifier', async () => ({ code_verifier: 'x'.repeat(43) })],
    ['without a verifier', async () => ({ code_verifier: undefined })],
    ['with another redirect_uri', async () => ({ redirect_uri: 'http://127.0.0.1:3999/other' })],
    ['that was never given', async () => ({ code: 'x'.repeat(43) })],
  ])('for a code %s', async (_why, happens) => {
    const mine = await authorize(server, { by: alex });
    const changes = await happens(mine);
    await told(await mine.redeemWith(changes ?? {}), 400, 'invalid_grant');
  });
});

describe('register again: invalid_client', () => {
  it.each<[string, (id: string) => Promise<unknown>]>([
    ['removed', (id) => durably(server, (work) => server.rooms.clients.remove(work, id))],
    ['disabled', (id) => durably(server, (work) => server.rooms.clients.setDisabled(work, id, true))],
  ])('for a client that was %s', async (_what, happens) => {
    const mine = await connect(server, { by: alex });
    await happens(mine.client.client_id);
    await told(await mine.refresh(mine.tokens.refresh_token), 401, 'invalid_client');
  });

  it('for one that nobody knows, and one whose secret is wrong or missing', async () => {
    const { client_id } = await register(server, { token_endpoint_auth_method: 'client_secret_post' });
    const grant = { grant_type: 'refresh_token', refresh_token: 'x' };
    for (const who of [{ client_id: 'nobody' }, { client_id }, { client_id, client_secret: 'wrong' }])
      await told(await server.post('/token', { ...grant, ...who }), 401, 'invalid_client');
  });
});

describe('not for this client: unauthorized_client', () => {
  it.each<[string, Params, { id: string; secret: string } | undefined]>([
    [
      'a grant type that it has not registered',
      { client_id: CLOSED.id, grant_type: 'client_credentials' },
      undefined,
    ],
    ['a code for an MCP server', { grant_type: 'authorization_code', code: 'x' }, SERVER],
  ])('%s', async (_what, fields, basic) => {
    await told(await server.post('/token', search(fields), basic), 400, 'unauthorized_client');
  });
});

describe('mend the request, which costs nothing', () => {
  it.each<[string, Params, string]>([
    ['invalid_target for another server', { resource: OTHER_RESOURCE }, 'invalid_target'],
    ['invalid_target for what is no server here', { resource: 'https://unknown.example/' }, 'invalid_target'],
    ['unsupported_grant_type', { grant_type: 'password' }, 'unsupported_grant_type'],
    ['invalid_request without a grant type', { grant_type: undefined }, 'invalid_request'],
    ['invalid_request without the token', { refresh_token: undefined }, 'invalid_request'],
    [
      'invalid_request for anything twice',
      { grant_type: ['refresh_token', 'refresh_token'] },
      'invalid_request',
    ],
  ])('%s', async (_what, changes, error) => {
    const { client, tokens, refresh } = await connect(server, { by: alex });
    const honest = {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
      client_id: client.client_id,
    };
    await told(await server.post('/token', search({ ...honest, ...changes })), 400, error);
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('and nothing to mend for a scope beyond what was granted: clients repeat what they once asked for', async () => {
    const { tokens, refresh } = await connect(server, { by: alex, params: { scope: 'library:read' } });
    const { status, body } = await refresh(tokens.refresh_token, {
      scope: 'library:read library:write offline_access',
    });
    expect([status, body.scope]).toEqual([200, 'library:read']);
  });
});

describe('the same again, later', () => {
  it('429 for whoever guessed too often, and no word about the client', async () => {
    const { client_id } = await register(server, { token_endpoint_auth_method: 'client_secret_post' });
    const guess = () => server.post('/token', { grant_type: 'x', client_id, client_secret: 'wrong' });
    await guess();
    await guess();
    await told(await guess(), 429, 'temporarily_unavailable');
  });

  it('503 while the database is away, and the token is as good as before', async () => {
    const { tokens, refresh } = await connect(server, { by: alex });
    const away = await databaseAway(server, () => refresh(tokens.refresh_token));
    await told(away, 503, 'temporarily_unavailable');
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });
});
