// What grows with the people is read a page at a time, and nobody is left out or told twice.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Write } from '../../src/storage/commit.ts';
import { databases, type TestDatabase } from '../support/databases.ts';
import { RESOURCE, type Server, startServer } from '../support/server.ts';

// More than two pages of 500, and not a whole number of them; of each moment there are many.
const MANY = 1_203;
const ended = { endedAt: null, endedBy: null };

function rows({ storage }: Server['rooms'], n: number): Write[] {
  const [accountId, clientId] = [`account-${n}`, `client-${n}`];
  const times = { createdAt: Math.floor(n / 100), updatedAt: n, expiresAt: 4e12 };
  return [
    storage.accounts.insert({
      ...{ id: accountId, username: `person-${n}`, name: 'P', password: null },
      ...{ administrator: false, createdAt: n, disabledAt: null },
    }),
    storage.clients.insert({
      ...{ id: clientId, origin: 'registered', name: 'C', metadata: {}, secret: null, management: null },
      ...{ kind: null, createdAt: n, lastUsedAt: n, disabledAt: null },
    }),
    storage.grants.insert({
      ...{
        id: `grant-${n}`,
        accountId,
        clientId,
        clientName: 'C',
        clientIdentity: 'i',
        resource: 'urn:gone',
      },
      ...{ scopes: [], tools: {}, upstreams: [], version: 1, ...times, ...ended },
    }),
  ];
}

describe.each(databases)('on %s', (_name, make) => {
  let database: TestDatabase;
  let server: Server;
  beforeAll(async () => {
    database = await make();
    server = await startServer({ env: { DATABASE_URL: database.url } });
    for (let from = 0; from < MANY; from += 401) {
      const work = server.rooms.work();
      for (let n = from; n < from + 401; n += 1) work.add(...rows(server.rooms, n));
      await work.commit();
    }
  }, 60_000);
  afterAll(async () => {
    await server?.close();
    await database?.remove();
  });

  it('every account and every client is listed once', async () => {
    const { accounts, clients } = server.rooms;
    const names = (await Array.fromAsync(accounts.list())).map(({ username }) => username);
    expect(names).toHaveLength(MANY + 1);
    expect(new Set(names).size).toBe(MANY + 1);
    const ids = (await Array.fromAsync(clients.list())).map(({ id }) => id);
    expect([ids.length, new Set(ids).size]).toEqual([MANY, MANY]);
  });

  it('every connection is listed once, the newest first, with whose it is', async () => {
    const all = await Array.fromAsync(server.rooms.grants.standing());
    expect(new Set(all.map(({ id }) => id)).size).toBe(MANY);
    expect(all.map(({ createdAt }) => createdAt)).toEqual(
      all.map(({ createdAt }) => createdAt).sort((a, b) => b - a),
    );
    for (const { id, username } of all) expect(username).toBe(id.replace('grant', 'person'));
  });

  it('removing a server ends every connection to it, and none to another', async () => {
    const { resources, grants, work: begin, storage } = server.rooms;
    const [declared] = resources.all();
    const declaration = { ...(declared as NonNullable<typeof declared>), uri: 'urn:gone', server: undefined };
    const adding = begin();
    adding.add(
      storage.resources.save({
        ...{ uri: 'urn:gone', origin: 'added', declaration: declaration, serverId: null, serverSecret: null },
        createdAt: 1,
      }),
      storage.grants.insert({
        ...{
          id: 'other',
          accountId: 'account-1',
          clientId: 'client-1',
          clientName: 'C',
          clientIdentity: 'i',
        },
        ...{ resource: RESOURCE, scopes: [], tools: {}, upstreams: [], version: 1, ...ended },
        ...{ createdAt: 1, updatedAt: 1, expiresAt: 4e12 },
      }),
    );
    await adding.commit();
    const removing = begin();
    await resources.remove(removing, 'urn:gone');
    await removing.commit();
    const left = await Array.fromAsync(grants.standing());
    expect(left.map(({ id }) => id)).toEqual(['other']);
  });
});
