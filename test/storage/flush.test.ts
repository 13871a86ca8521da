// Requests that are ready together share one flush, and do not feel one another. THREATS P06.

import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { random } from '../../src/crypto.ts';
import { Refusal } from '../../src/errors.ts';
import { openStorage, type Storage } from '../../src/storage/open.ts';
import { sqliteFile, type TestDatabase } from '../support/databases.ts';
import { artifact } from './rows.ts';

describe('on SQLite', () => {
  let database: TestDatabase;
  let storage: Storage;
  let ran: string[];
  let failing: string | undefined;
  let raw: Sqlite.Database | undefined;

  beforeEach(async () => {
    database = await sqliteFile();
    storage = await openStorage(database.location);
    ran = [];
    failing = undefined;
    // SQLite says what it runs; nothing of ours is replaced
    const prototype = Object.getPrototypeOf(new Sqlite(':memory:').prepare('SELECT 1')) as Sqlite.Statement;
    for (const verb of ['run', 'all'] as const) {
      const original = prototype[verb] as (...args: unknown[]) => unknown;
      vi.spyOn(prototype, verb).mockImplementation(function (this: Sqlite.Statement, ...args: unknown[]) {
        ran.push(this.source);
        raw = this.database;
        if (this.source === failing) throw Object.assign(new Error('disk'), { code: 'SQLITE_IOERR_FSYNC' });
        return original.apply(this, args) as never;
      });
    }
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await storage.close();
    await database.remove();
  });

  const count = (word: string) => ran.filter((sql) => sql.startsWith(word)).length;
  const consume = (key: string, n: number) => {
    const work = storage.work();
    const used = new Refusal('used', { reason: 'used' });
    work.add({ ...storage.artifacts.consume(key, n), lost: async () => used });
    return work;
  };

  it('requests of the same turn are durable after one COMMIT', async () => {
    const rows = Array.from({ length: 20 }, () => artifact());
    await Promise.all(
      rows.map(async (row) => {
        const work = storage.work();
        work.add(storage.artifacts.insert(row));
        await work.commit();
      }),
    );
    expect(count('COMMIT')).toBe(1);
    const second = await openStorage(database.location);
    for (const row of rows) expect(await second.artifacts.find(row.key)).toEqual(row);
    await second.close();
  });

  // sqlite.org, PRAGMA synchronous: in WAL mode NORMAL may lose the last commits when the power goes
  it('a COMMIT waits for the disk: synchronous is FULL, in a write-ahead log', async () => {
    const work = storage.work();
    work.add(storage.artifacts.insert(artifact()));
    await work.commit();
    expect(raw?.pragma('synchronous', { simple: true })).toBe(2);
    expect(raw?.pragma('journal_mode', { simple: true })).toBe('wal');
  });

  it('one that loses its race takes nobody along, and leaves nothing behind', async () => {
    const [used, before, beside, after] = [artifact({ consumedAt: 1 }), artifact(), artifact(), artifact()];
    const first = storage.work();
    first.add(storage.artifacts.insert(used), storage.artifacts.insert(before));
    const loser = storage.work();
    loser.add(storage.artifacts.insert(beside));
    loser.add({
      ...storage.artifacts.consume(used.key, 2),
      lost: async () => new Refusal('used', { reason: 'used' }),
    });
    const last = storage.work();
    last.add(storage.artifacts.insert(after));
    const outcomes = await Promise.allSettled([first, loser, last].map((work) => work.commit()));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { reason: 'used' } });
    expect(count('COMMIT')).toBe(1);
    expect(await storage.artifacts.find(before.key)).toBeDefined();
    expect(await storage.artifacts.find(beside.key)).toBeUndefined();
    expect(await storage.artifacts.find(after.key)).toBeDefined();
  });

  it('they are taken in the order in which they came', async () => {
    const row = artifact();
    const made = storage.work();
    made.add(storage.artifacts.insert(row));
    const outcomes = await Promise.allSettled([
      made.commit(),
      ...[2, 3, 4].map((n) => consume(row.key, n).commit()),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
    expect((await storage.artifacts.find(row.key))?.consumedAt).toBe(2);
    expect(count('COMMIT')).toBe(1);
  });

  it('a bug in one of them is that one’s alone', async () => {
    const row = artifact();
    const [bug, sound] = [storage.work(), storage.work()];
    bug.add({ sql: 'INSERT INTO artifacts (key) VALUES (?)', params: [random()] });
    sound.add(storage.artifacts.insert(row));
    const [broken] = await Promise.allSettled([bug.commit(), sound.commit()]);
    expect(broken).toMatchObject({ reason: { code: 'SQLITE_CONSTRAINT_NOTNULL' } });
    expect(await storage.artifacts.find(row.key)).toEqual(row);
  });

  it('a COMMIT that fails is 503 for all of them, and none of them has happened', async () => {
    const rows = [artifact(), artifact()];
    failing = 'COMMIT';
    const outcomes = await Promise.allSettled(
      rows.map(async (row) => {
        const work = storage.work();
        work.add(storage.artifacts.insert(row));
        await work.commit();
      }),
    );
    for (const each of outcomes) expect(each).toMatchObject({ reason: { status: 503 } });
    failing = undefined;
    for (const row of rows) expect(await storage.artifacts.find(row.key)).toBeUndefined();
  });

  it('a full disk is 503, changes nothing, and passes', async () => {
    const other = new Sqlite(database.url.slice('sqlite:'.length));
    const pages = other.pragma('page_count', { simple: true }) as number;
    other.close();
    const big = artifact({ payload: 'x'.repeat(4_000_000) });
    const limit = storage.work();
    limit.add({ sql: `PRAGMA max_page_count = ${pages + 20}`, params: [] });
    await limit.commit();
    const full = storage.work();
    full.add(storage.artifacts.insert(big));
    await expect(full.commit()).rejects.toMatchObject({ status: 503, reason: 'storage_unavailable' });
    expect(await storage.artifacts.find(big.key)).toBeUndefined();
    const small = artifact();
    const next = storage.work();
    next.add(storage.artifacts.insert(small));
    await next.commit();
    expect(await storage.artifacts.find(small.key)).toEqual(small);
  });

  it('while another process writes, a commit waits and this process goes on', async () => {
    const other = new Sqlite(database.url.slice('sqlite:'.length));
    other.exec('BEGIN IMMEDIATE');
    const row = artifact();
    const work = storage.work();
    work.add(storage.artifacts.insert(row));
    const committed = work.commit();
    let turns = 0;
    const ticking = setInterval(() => {
      turns += 1;
      if (turns === 5) other.exec('COMMIT');
    }, 5);
    await committed;
    clearInterval(ticking);
    other.close();
    expect(turns).toBeGreaterThanOrEqual(5);
    expect(await storage.artifacts.find(row.key)).toEqual(row);
  });

  it('closing commits what is waiting', async () => {
    const row = artifact();
    const work = storage.work();
    work.add(storage.artifacts.insert(row));
    const committed = work.commit();
    await storage.close();
    await committed;
    storage = await openStorage(database.location);
    expect(await storage.artifacts.find(row.key)).toEqual(row);
  });
});
