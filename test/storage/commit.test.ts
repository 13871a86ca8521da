// One suite, both databases: what the house relies on when it commits. THREATS P02.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { random } from '../../src/crypto.ts';
import { Refusal } from '../../src/errors.ts';
import type { ClientRow } from '../../src/storage/clients.ts';
import { openStorage, type Storage } from '../../src/storage/open.ts';
import { databases, type TestDatabase } from '../support/databases.ts';
import { artifact } from './rows.ts';

describe.each(databases)('on %s', (_name, make) => {
  let database: TestDatabase;
  let storage: Storage;

  beforeAll(async () => {
    database = await make();
    storage = await openStorage(database.location);
  }, 60_000);

  afterAll(async () => {
    await storage?.close();
    await database?.remove();
  });

  const write = async (...writes: Parameters<ReturnType<Storage['work']>['add']>): Promise<void> => {
    const work = storage.work();
    work.add(...writes);
    await work.commit();
  };

  it('opening a database that exists already changes nothing in it', async () => {
    const row = artifact();
    await write(storage.artifacts.insert(row));
    const again = await openStorage(database.location);
    expect(await again.artifacts.find(row.key)).toEqual(row);
    await again.close();
  });

  it('gives back what was written, to the character', async () => {
    const row = artifact({
      payload: JSON.stringify({
        ...{ nul: '\u0000', lone: '\ud800', snowman: '☃', line: '\u2028' },
        long: '\u{1f6aa}'.repeat(25_000), // 100 KB
      }),
    });
    await write(storage.artifacts.insert(row));
    expect((await storage.artifacts.find(row.key))?.payload).toBe(row.payload);
  });

  it('writes all of a commit or none of it', async () => {
    const [first, used, last] = [artifact(), artifact({ consumedAt: 1 }), artifact()];
    await write(storage.artifacts.insert(used));
    const work = storage.work();
    work.add(storage.artifacts.insert(first));
    work.add({
      ...storage.artifacts.consume(used.key, 2),
      lost: async () => new Refusal('too late', { reason: 'late' }),
    });
    work.add(storage.artifacts.insert(last));
    await expect(work.commit()).rejects.toMatchObject({ reason: 'late' });
    expect(await storage.artifacts.find(first.key)).toBeUndefined();
    expect(await storage.artifacts.find(last.key)).toBeUndefined();
  });

  it('keeps what must survive a refusal, and nothing else of it', async () => {
    const [dropped, kept] = [artifact(), artifact()];
    const work = storage.work();
    work.add(storage.artifacts.insert(dropped));
    work.keep(storage.artifacts.insert(kept));
    work.refuse();
    await work.commit();
    expect(await storage.artifacts.find(dropped.key)).toBeUndefined();
    expect(await storage.artifacts.find(kept.key)).toBeDefined();
  });

  it('goes on without a write that lost, when its loser says so', async () => {
    const [used, other] = [artifact({ consumedAt: 1 }), artifact()];
    await write(storage.artifacts.insert(used));
    const work = storage.work();
    work.add({ ...storage.artifacts.consume(used.key, 2), lost: async () => 'go on' });
    work.add(storage.artifacts.insert(other));
    await work.commit();
    expect(await storage.artifacts.find(other.key)).toBeDefined();
  });

  it('lets exactly one of many consume a code', async () => {
    const rounds = process.env['CARDEA_LONG'] ? 200 : 20;
    const second = await openStorage(database.location);
    for (let round = 0; round < rounds; round += 1) {
      const row = artifact();
      await write(storage.artifacts.insert(row));
      const tries = Array.from({ length: round === 0 ? 128 : 8 }, async (_, n) => {
        const store = n % 2 ? second : storage;
        const work = store.work();
        work.add({
          ...store.artifacts.consume(row.key, n + 1),
          lost: async () => new Refusal('used', { reason: 'used' }),
        });
        await work.commit();
      });
      const outcomes = await Promise.allSettled(tries);
      expect(outcomes.filter((each) => each.status === 'fulfilled')).toHaveLength(1);
    }
    await second.close();
  });

  it('has at most one live grant for an account, a client and a resource', async () => {
    const grant = (id: string, resource: string) => ({
      id,
      accountId: 'a',
      clientId: 'c',
      clientName: 'C',
      clientIdentity: 'i',
      resource,
      scopes: ['s'],
      tools: {},
      upstreams: [],
      version: 1,
      createdAt: 1,
      updatedAt: 1,
      expiresAt: 2,
      endedAt: null,
      endedBy: null,
    });
    const resource = random();
    await write(storage.grants.insert(grant('g1', resource)));
    await expect(write(storage.grants.insert(grant('g2', resource)))).rejects.toThrow();
    await write(storage.grants.end('g1', 'test', 3));
    await write(storage.grants.insert(grant('g2', resource)));
    expect((await storage.grants.live('a', 'c')).map((each) => each.id)).toEqual(['g2']);
  });

  it('refuses to revise a grant that somebody else revised meanwhile', async () => {
    const base = {
      accountId: 'r',
      clientId: 'c',
      resource: 'x',
      scopes: [],
      tools: {},
      upstreams: [],
      clientName: 'C',
      clientIdentity: 'i',
    };
    const row = {
      ...base,
      id: random(),
      createdAt: 1,
      updatedAt: 1,
      expiresAt: 9,
      endedAt: null,
      endedBy: null,
    };
    await write(storage.grants.insert({ ...row, version: 1 }));
    const revision = { ...row, updatedAt: 2, version: 2 };
    await write(storage.grants.revise(revision));
    await expect(write(storage.grants.revise(revision))).rejects.toThrow();
  });

  it('forgets clients that registered themselves and were neither let in nor stopped, and no others', async () => {
    const client = (given: Partial<ClientRow>): ClientRow => ({
      id: random(),
      origin: 'registered',
      name: 'C',
      metadata: {},
      secret: null,
      management: null,
      kind: null,
      createdAt: 5,
      lastUsedAt: null,
      disabledAt: null,
      ...given,
    });
    const [unused, young, used, declared, stopped] = [
      client({}),
      client({ createdAt: 20 }),
      client({ lastUsedAt: 6 }),
      client({ origin: 'declared' }),
      client({ disabledAt: 6 }),
    ] as const;
    const all = [unused, young, used, declared, stopped];
    await write(...all.map(storage.clients.insert));
    while ((await storage.sweep.expired(0, 0, 10)) > 0);
    const left = await Promise.all(all.map(({ id }) => storage.clients.find(id)));
    expect(left.map((each) => each?.id)).toEqual([undefined, young.id, used.id, declared.id, stopped.id]);
  });

  it('forgets the record of what is long past, to the millisecond', async () => {
    const event = { action: 'a', outcome: 'done', reason: null, accountId: null, clientId: null };
    const rest = { resource: null, grantId: null, familyId: null, detail: null };
    // times of other lengths in base 36, and two of one moment
    const times = [35, 36, 36 ** 8 - 1, 36 ** 8, 36 ** 8, 36 ** 8 + 1];
    await write(
      ...times.map((at) => storage.audit.append({ ...event, ...rest, at, traceId: `swept-${at}` })),
    );
    expect((await storage.audit.latest(3)).map(({ at }) => at)).toEqual(times.toReversed().slice(0, 3));
    const left = async () => {
      const found = await Promise.all([...new Set(times)].map((at) => storage.audit.byTrace(`swept-${at}`)));
      return found.flat().map(({ at }) => at);
    };
    for (const before of [0, -1, 36, 36 ** 8, 36 ** 8 + 2]) {
      while ((await storage.sweep.expired(0, before, 0)) > 0);
      expect(await left()).toEqual(times.filter((at) => at >= before));
    }
  });

  it('sweeps what has run out, and not what proves a reuse', async () => {
    const [gone, proof] = [artifact({ expiresAt: 5 }), artifact({ consumedAt: 5 })];
    await write(storage.artifacts.insert(gone), storage.artifacts.insert(proof));
    while ((await storage.sweep.expired(10, 0, 0)) > 0);
    expect(await storage.artifacts.find(gone.key)).toBeUndefined();
    expect(await storage.artifacts.find(proof.key)).toBeDefined();
  });
});
