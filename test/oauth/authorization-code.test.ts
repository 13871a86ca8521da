// The authorization code (RFC 6749 §4.1, OAuth 2.1 §4.1): used once, by whom it was made for, soon.

import { describe, expect, it } from 'vitest';
import {
  authorize,
  type Connected,
  connect,
  durably,
  introspect,
  register,
  slowReads,
} from '../support/flow.ts';
import { later } from '../support/later.ts';
import { alex, server } from '../support/signed-in.ts';

it('a code becomes an access token, a refresh token, its scope and its life, and the answer is not stored', async () => {
  const { redeemWith } = await authorize(server, { by: alex });
  const { status, headers, body } = await redeemWith();
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect(body).toEqual({
    access_token: expect.any(String),
    refresh_token: expect.any(String),
    token_type: 'Bearer',
    expires_in: 600,
    scope: 'library:read library:write',
  });
});

it('a code used twice ends everything that came from it', async () => {
  const first = await connect(server, { by: alex });
  expect((await introspect(server, first.tokens.access_token)).active).toBe(true);
  const again = await first.redeemWith();
  expect([again.status, again.body.error]).toEqual([400, 'invalid_grant']);
  expect(await introspect(server, first.tokens.access_token)).toEqual({ active: false });
  expect((await first.refresh(first.tokens.refresh_token)).body.error).toBe('invalid_grant');
});

it('a code used twice ends its own installation and no other of the same client', async () => {
  const other = await connect(server, { by: alex });
  const stolen = await connect(server, { by: alex, client: other.client });
  await stolen.redeemWith();
  expect((await introspect(server, stolen.tokens.access_token)).active).toBe(false);
  expect((await introspect(server, other.tokens.access_token)).active).toBe(true);
});

async function unharmed({ tokens }: Connected): Promise<void> {
  expect((await introspect(server, tokens.access_token)).active).toBe(true);
}

it('a used code sent by another client is refused and ends nothing', async () => {
  const honest = await connect(server, { by: alex });
  const evil = await register(server);
  const { status, body } = await honest.redeemWith({ client_id: evil.client_id });
  expect([status, body.error]).toEqual([400, 'invalid_grant']);
  await unharmed(honest);
});

it('a used code sent with a wrong verifier is refused and ends nothing', async () => {
  const honest = await connect(server, { by: alex });
  const { status, body } = await honest.redeemWith({ code_verifier: 'x'.repeat(43) });
  expect([status, body.error]).toEqual([400, 'invalid_grant']);
  await unharmed(honest);
});

it.each([
  ['another client', async () => ({ client_id: (await register(server)).client_id })],
  ['another redirect URI', async () => ({ redirect_uri: 'http://127.0.0.1:3999/other' })],
  ['another port of the redirect URI', async () => ({ redirect_uri: 'http://127.0.0.1:3998/callback' })],
])('a fresh code with %s is refused, and still works for whom it was made', async (_what, changes) => {
  const { redeemWith } = await authorize(server, {
    by: alex,
    metadata: { redirect_uris: ['http://127.0.0.1/callback', 'http://127.0.0.1/other'] },
  });
  const { status, body } = await redeemWith(await changes());
  expect([status, body.error]).toEqual([400, 'invalid_grant']);
  expect((await redeemWith()).status).toBe(200);
});

// OAuth 2.1 §10.2; THREATS E08, Q11.
it('a code is redeemed without redirect_uri, by its verifier, also where several are registered', async () => {
  const { redeemWith } = await authorize(server, {
    by: alex,
    metadata: { redirect_uris: ['http://127.0.0.1/callback', 'http://127.0.0.1/other'] },
  });
  for (const changes of [{ code_verifier: undefined }, { code_verifier: 'x'.repeat(43) }]) {
    const { status, body } = await redeemWith({ redirect_uri: undefined, ...changes });
    expect([status, body.error]).toEqual([400, 'invalid_grant']);
  }
  expect((await redeemWith({ redirect_uri: undefined })).status).toBe(200);
});

it('a confidential client must show its secret with the code', async () => {
  const { client, redeemWith } = await authorize(server, {
    by: alex,
    metadata: { token_endpoint_auth_method: 'client_secret_basic' },
  });
  const wrong = await redeemWith({}, { id: client.client_id, secret: 'wrong' });
  expect([wrong.status, wrong.body.error]).toEqual([401, 'invalid_client']);
  expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic /);
  const none = await server.post('/token', {
    grant_type: 'authorization_code',
    client_id: client.client_id,
    code: 'x',
  });
  expect([none.status, none.body.error]).toEqual([401, 'invalid_client']);
  expect((await redeemWith()).status).toBe(200);
});

it('a code runs out after a minute', async () => {
  const { redeemWith } = await authorize(server, { by: alex });
  later(61_000);
  const { status, body } = await redeemWith();
  expect([status, body.error]).toEqual([400, 'invalid_grant']);
});

it('a code that was never given out is refused', async () => {
  const { redeemWith } = await authorize(server, { by: alex });
  for (const code of ['', 'nonsense', '\u0000', 'x'.repeat(5000)]) {
    const { status, body } = await redeemWith({ code });
    expect(status).toBe(400);
    expect(['invalid_grant', 'invalid_request']).toContain(body.error);
  }
});

it.each([
  'a/b=c==',
  '%2F%25&state=other',
  '"><script>alert(1)</script>',
  'línea\r\nSet-Cookie: x=1',
  'سلام 🌍',
  '+ +',
  'x'.repeat(2000),
])('state %j comes back as it was, once', async (state) => {
  const { callback } = await authorize(server, { by: alex, params: { state } });
  expect(callback.searchParams.getAll('state')).toEqual([state]);
});

it('without state none comes back', async () => {
  const { callback } = await authorize(server, { by: alex, params: { state: undefined } });
  expect(callback.searchParams.has('state')).toBe(false);
  expect([...callback.searchParams.keys()].sort()).toEqual(['code', 'iss']);
});

it('a code is worth nothing once its account is disabled, and works when it is enabled in time', async () => {
  const { redeemWith } = await authorize(server, { by: alex });
  const disable = (disabled: boolean) =>
    durably(server, (work) => server.rooms.accounts.setDisabled(work, 'alex', disabled));
  await disable(true);
  expect((await redeemWith()).body.error).toBe('invalid_grant');
  await disable(false);
  expect((await redeemWith()).status).toBe(200);
});

describe('a code is worth nothing', () => {
  /** A person of their own, for what ends here is all that they have. */
  const waiting = () => authorize(server, { by: server.alex(), params: { scope: 'library:read' } });
  type Waiting = Awaited<ReturnType<typeof waiting>>;

  it.each<[string, (code: Waiting) => Promise<unknown>]>([
    [
      'once the person has signed out',
      async ({ person }) =>
        person.send(await person.visit(`${server.issuer}/sign-out`), ({ action }) =>
          action.endsWith('/sign-out'),
        ),
    ],
    [
      'once the person has ended the connection',
      async ({ client: { client_id } }) => {
        const { grants } = server.rooms;
        const [grant] = await grants.live(server.account.id, client_id);
        await durably(server, (work) => grants.end(work, grant?.id ?? '', 'ended_by_person'));
      },
    ],
    [
      'once the person has ended all of them',
      () => durably(server, (work) => server.rooms.grants.endAll(work, server.account.id, 'ended_by_person')),
    ],
    [
      'once its client is disabled',
      ({ client: { client_id } }) =>
        durably(server, (work) => server.rooms.clients.setDisabled(work, client_id, true)),
    ],
  ])('%s', async (_when, happens) => {
    const code = await waiting();
    await happens(code);
    const { status, body } = await code.redeemWith();
    expect([status, body.error]).toEqual(
      body.error === 'invalid_client' ? [401, 'invalid_client'] : [400, 'invalid_grant'],
    );
    expect(body.access_token).toBeUndefined();
  });

  it('in another browser a sign-out changes nothing about it', async () => {
    const code = await waiting();
    const other = await server.signedIn();
    await other.send(await other.visit(`${server.issuer}/sign-out`), ({ action }) =>
      action.endsWith('/sign-out'),
    );
    expect((await code.redeemWith()).status).toBe(200);
  });
});

it.each(['password', 'implicit', 'client_credentials', 'urn:ietf:params:oauth:grant-type:device_code', ''])(
  'the grant type %j is not offered',
  async (grant_type) => {
    const { client_id } = await register(server);
    const { status, body } = await server.post('/token', { grant_type, client_id });
    expect(status).toBe(400);
    expect(['unsupported_grant_type', 'unauthorized_client', 'invalid_request']).toContain(body.error);
  },
);

// Last, because it slows the server down.
it('of eight requests that race for one code exactly one gets tokens', async () => {
  const { redeemWith } = await authorize(server, { by: alex });
  slowReads(server);
  const answers = await Promise.all(Array.from({ length: 8 }, () => redeemWith()));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  for (const { status, body } of answers) {
    if (status !== 200) expect([status, body.error]).toEqual([400, 'invalid_grant']);
  }
});
