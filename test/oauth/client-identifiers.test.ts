// The id of a client that registered itself says what it stands for: no database has to remember it, and no database
// has to be lost for somebody to be locked out.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { random } from '../../src/crypto.ts';
import { authorize, authorizeUrl, CALLBACK, connect, durably, get, register } from '../support/flow.ts';
import { later } from '../support/later.ts';
import { type Server, startServer } from '../support/server.ts';
import { stored } from '../support/stored.ts';

const KEY = random();
const OTHER_KEY = random();
let server: Server;
beforeAll(async () => {
  server = await startServer({ env: { CARDEA_KEY: KEY } });
});
afterAll(() => server.close());

const honest = { client_name: 'A client', redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none' };
const again = async (on: Server): Promise<string> => (await on.json('/register', honest)).body.client_id;
const rows = (id: string) => (stored(server)['clients'] ?? []).filter((row) => row['id'] === id);

const asked = async (on: Server, client_id: string): Promise<number> =>
  (await get(authorizeUrl(on, { client_id }))).status;

/** With another server, whose database is empty. */
async function elsewhere(
  env: Record<string, string>,
  task: (other: Server) => Promise<void>,
  config: Record<string, unknown> = {},
): Promise<void> {
  const other = await startServer({ env, config });
  await task(other).finally(() => other.close());
}

it('a client is kept once somebody has let it in, and not before', async () => {
  const client = await register(server);
  await get(authorizeUrl(server, { client_id: client.client_id }));
  await server.post('/token', {
    grant_type: 'refresh_token',
    refresh_token: 'x',
    client_id: client.client_id,
  });
  expect(rows(client.client_id)).toEqual([]);
  await connect(server, { client });
  expect(rows(client.client_id)).toEqual([expect.objectContaining({ origin: 'registered' })]);
  expect(rows(client.client_id)[0]?.['last_used_at']).toEqual(expect.any(Number));
});

describe('when the database is lost', () => {
  it.each(['none', 'client_secret_post'])('a client of method %s connects as before', async (method) => {
    const client = await register(server, { token_endpoint_auth_method: method });
    await connect(server, { client });
    const other = await startServer({ env: { CARDEA_KEY: KEY } });
    try {
      expect((await connect(other, { client })).tokens.access_token).toBeTruthy();
      if (method === 'none') return;
      const { redeemWith } = await authorize(other, { client });
      expect((await redeemWith({ client_secret: 'a guess' })).body.error).toBe('invalid_client');
    } finally {
      await other.close();
    }
  });

  it('an id of a key of before is good while that key is named, and no longer', async () => {
    const id = await again(server);
    await elsewhere({ CARDEA_KEY: OTHER_KEY, CARDEA_KEY_PREVIOUS: KEY }, async (other) => {
      expect(await asked(other, id)).toBe(303);
    });
    await elsewhere({ CARDEA_KEY: OTHER_KEY }, async (other) => {
      expect(await asked(other, id)).toBe(400);
    });
  });

  it('what is not acceptable any more is refused, whenever it was registered', async () => {
    const { client_id } = await register(server, { redirect_uris: ['cursor://app/callback'] });
    const url = (on: Server) => authorizeUrl(on, { client_id, redirect_uri: 'cursor://app/callback' });
    expect((await get(url(server))).status).toBe(303);
    await elsewhere(
      { CARDEA_KEY: KEY },
      async (other) => {
        const refused = await get(url(other));
        expect([refused.status >= 400, refused.headers.get('location')]).toEqual([true, null]);
        const fields = { grant_type: 'refresh_token', refresh_token: 'x', client_id };
        expect((await other.post('/token', fields)).body.error).toBe('invalid_client');
      },
      { registration: { private_use_schemes: ['goose'] } },
    );
  });
});

describe('an id with one letter changed', () => {
  it.each([3, 10, 24, 26, 60, -1])('at %d is nobody’s', async (at) => {
    const id = await again(server);
    const place = at < 0 ? id.length + at : at;
    const letter = id[place] === 'A' ? 'B' : 'A';
    const changed = id.slice(0, place) + letter + id.slice(place + 1);
    expect(await asked(server, changed)).toBe(400);
    expect(
      (await server.post('/token', { grant_type: 'refresh_token', client_id: changed })).body.error,
    ).toBe('invalid_client');
  });

  it.each([
    'c1_',
    'c1_x',
    `c1_${'A'.repeat(22)}`,
    `c1_${'A'.repeat(600)}`,
    `c1_${'A'.repeat(5_000)}`,
    'c0_x',
  ])('%.30s is nobody’s either', async (id) => {
    expect(await asked(server, id)).toBe(400);
  });
});

describe('what the operator stops stays stopped', () => {
  it('a disabled client, though nobody had let it in; registering it again says so', async () => {
    const client = await register(server, { software_id: 'to be disabled' });
    await durably(server, (work) => server.rooms.clients.setDisabled(work, client.client_id, true));
    expect(await asked(server, client.client_id)).toBe(400);
    const { status, body } = await server.json('/register', { ...honest, software_id: 'to be disabled' });
    expect([status, body.error]).toEqual([403, 'invalid_client_metadata']);
    later(400 * 86_400_000);
    while ((await server.rooms.storage.sweep.expired(Date.now(), 0, Date.now())) > 0);
    expect(await asked(server, client.client_id)).toBe(400);
    await durably(server, (work) => server.rooms.clients.setDisabled(work, client.client_id, false));
    expect(await asked(server, client.client_id)).toBe(303);
  });

  it('a removed one for good; who registers the same again is another client', async () => {
    const wish = { software_id: 'to be removed' };
    const client = await register(server, wish);
    await connect(server, { client });
    await durably(server, (work) => server.rooms.clients.remove(work, client.client_id));
    expect(await asked(server, client.client_id)).toBe(400);
    const next = await register(server, wish);
    expect(next.client_id).not.toBe(client.client_id);
    expect((await register(server, wish)).client_id).toBe(next.client_id);
    expect((await connect(server, { client: next })).tokens.access_token).toBeTruthy();
    expect(await asked(server, client.client_id)).toBe(400);
    expect((await Array.fromAsync(server.rooms.clients.list())).map(({ id }) => id)).not.toContain(
      client.client_id,
    );
  });

  it('a client disabled while a person looks at the consent page gets nothing', async () => {
    const client = await register(server);
    let disabling: Promise<void> | undefined;
    const stop = (): void => {
      disabling ??= durably(server, (work) => server.rooms.clients.setDisabled(work, client.client_id, true));
    };
    const token = await authorize(server, { client, inspect: stop }).then(
      async ({ redeemWith }) => (await redeemWith()).body.error,
      () => 'invalid_client', // the page itself said so
    );
    await disabling;
    expect(token).toBe('invalid_client');
    expect((await server.rooms.clients.find(client.client_id))?.disabled).toBe(true);
  });
});
