// What a commit on PostgreSQL does when the connection, or the server, does not do its part.

import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { random } from '../../src/crypto.ts';
import { Refusal } from '../../src/errors.ts';
import type { Write } from '../../src/storage/commit.ts';
import { unavailable } from '../../src/storage/faults.ts';
import { openStorage, type Storage } from '../../src/storage/open.ts';
import { type Cable, cable } from '../support/cable.ts';
import { postgresServer, type TestDatabase } from '../support/databases.ts';
import { artifact } from './rows.ts';

describe('on PostgreSQL', () => {
  let database: TestDatabase;
  let direct: pg.Client;
  let line: Cable;
  let storage: Storage;
  const heard: Error[] = [];

  const through = (port: number) => ({
    kind: 'postgres' as const,
    url: Object.assign(new URL(database.url), { port: String(port) }).href,
  });

  beforeAll(async () => {
    database = await postgresServer();
    direct = new pg.Client({ connectionString: database.url });
    await direct.connect();
  }, 60_000);
  afterAll(async () => {
    await direct?.end();
    await database?.remove();
  });
  beforeEach(async () => {
    line = await cable(Number(new URL(database.url).port));
    heard.length = 0;
    storage = await openStorage(through(line.port), (error) => heard.push(error));
  });
  afterEach(async () => {
    await storage.close();
    await line.close();
  });

  const write = async (...writes: Write[]): Promise<void> => {
    const work = storage.work();
    work.add(...writes);
    await work.commit();
  };
  const killSessions = () =>
    direct.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
  const conditional = (row: ReturnType<typeof artifact>): Write => ({
    ...storage.artifacts.insert(row),
    must: true,
    lost: async () => new Refusal('there already', { reason: 'there_already' }),
  });

  const record = {
    ...{ at: 1, action: 'a.b', outcome: 'done', reason: null, accountId: null, clientId: null },
    ...{ resource: null, grantId: null, familyId: null, traceId: null, detail: null },
  };

  it('a connection that had died in the pool is not felt, and told in a few words', async () => {
    await write(storage.artifacts.insert(artifact()));
    await killSessions();
    await expect.poll(() => heard.length).toBe(1);
    expect(JSON.stringify(heard).length).toBeLessThan(500);
    const row = artifact();
    await write(conditional(row));
    expect(await storage.artifacts.find(row.key)).toEqual(row);
  });

  it.each([
    ['a record', () => storage.audit.append(record)],
    ['a mark', () => storage.artifacts.insert(artifact())],
  ])(
    'a cable cut after COMMIT was sent neither loses nor doubles anything that has %s',
    async (_of, more) => {
      await write(storage.artifacts.insert(artifact()));
      line.is('cut after commit');
      const row = artifact();
      // were it simply sent again, it would lose to itself
      await write(conditional(row), more());
      expect(await storage.artifacts.find(row.key)).toEqual(row);
    },
  );

  it('what a session does that nobody hears any more counts for nothing, and is done again', async () => {
    await write(storage.artifacts.insert(artifact()));
    line.is('cut behind commit');
    const row = artifact();
    const wait = { sql: 'SELECT pg_sleep(0.3)', params: [] };
    // left to itself it would commit later, and what was sent again would lose to it
    await write(wait, conditional(row), wait);
    expect(await storage.artifacts.find(row.key)).toEqual(row);
  });

  it('where no record is kept of a commit that others may win, a mark is left', async () => {
    const marks = async () =>
      (await direct.query("SELECT FROM artifacts WHERE model = 'Commit'")).rows.length;
    const before = await marks();
    await write(conditional(artifact()), storage.audit.append(record));
    await write(storage.artifacts.insert(artifact()));
    expect(await marks()).toBe(before);
    await write(conditional(artifact()));
    expect(await marks()).toBe(before + 1);
  });

  it('a COMMIT whose outcome cannot be learnt is 503', async () => {
    await write(storage.artifacts.insert(artifact()));
    line.is('cut after commit');
    // without a condition there is nothing to know it by
    await expect(write(storage.artifacts.insert(artifact()))).rejects.toMatchObject({ status: 503 });
    await write(storage.artifacts.insert(artifact()));
  });

  it('a database that is silent is 503, and nobody waits for ever', async () => {
    await write(storage.artifacts.insert(artifact()));
    line.is('silent');
    const row = artifact();
    const [written, read] = await Promise.allSettled([
      write(conditional(row)),
      storage.artifacts.find(row.key),
    ]);
    expect(written).toMatchObject({ reason: { status: 503, reason: 'storage_unavailable' } });
    expect(unavailable((read as PromiseRejectedResult).reason)).toMatchObject({ status: 503 });
    line.cut();
    line.is('whole');
    await write(conditional(row));
  });

  it('what a failed read says of itself does not repeat what was asked for', async () => {
    await storage.artifacts.find('x');
    await line.close();
    const failed: unknown = await storage.artifacts.find('the-key-of-a-token').catch((error) => error);
    const told = unavailable(failed) as Refusal;
    expect(told).toMatchObject({ status: 503, oauth: 'temporarily_unavailable' });
    expect(String((told.cause as Error).message)).not.toContain('the-key-of-a-token');
    line = await cable(Number(new URL(database.url).port));
  });

  it('a client that gets its first token while the unused ones are forgotten stays', async () => {
    const id = random();
    const unused = { secret: null, management: null, kind: null, lastUsedAt: null, disabledAt: null };
    const row = { id, origin: 'registered' as const, name: 'C', metadata: {}, createdAt: 5, ...unused };
    await write(storage.clients.insert(row));
    await direct.query('BEGIN');
    await direct.query('UPDATE clients SET last_used_at = 6 WHERE id = $1', [id]);
    const swept = storage.sweep.expired(0, 0, 10);
    const waiting = async () => (await direct.query('SELECT FROM pg_locks WHERE NOT granted')).rowCount;
    await expect.poll(waiting, { timeout: 20_000 }).toBe(1);
    await direct.query('COMMIT');
    expect(await swept).toBe(0);
    expect(await storage.clients.find(id)).toBeDefined();
  });

  it('two commits that lock each other out are both done', async () => {
    const [one, two] = [artifact(), artifact()];
    await write(storage.artifacts.insert(one), storage.artifacts.insert(two));
    await direct.query(`ALTER SYSTEM SET deadlock_timeout = '20ms'`);
    await direct.query('SELECT pg_reload_conf()');
    const wait = { sql: 'SELECT pg_sleep(0.2)', params: [] };
    const outcomes = await Promise.allSettled([
      write(storage.artifacts.consume(one.key, 1), wait, storage.artifacts.upsert({ ...two, payload: '1' })),
      write(storage.artifacts.consume(two.key, 2), wait, storage.artifacts.upsert({ ...one, payload: '2' })),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  });

  it('a bug among the writes is told as it is, and the connection serves on', async () => {
    const bug = { sql: 'INSERT INTO artifacts (key) VALUES ($1)', params: ['k'] };
    const row = artifact();
    await expect(write(bug, conditional(row))).rejects.toMatchObject({ code: '23502' });
    await expect(write(bug, storage.artifacts.insert(row))).rejects.toMatchObject({ code: '23502' });
    await write(conditional(row));
    await expect(write(conditional(row))).rejects.toMatchObject({ reason: 'there_already' });
    await write(conditional(artifact()));
  });

  it('what another process changed is heard, also after the line was cut', async () => {
    const heard: string[] = [];
    const stop = storage.listen((what) => void heard.push(what));
    await expect.poll(() => heard).toEqual(['everything']);
    const other = await openStorage(database.location);
    const save = async () => {
      const work = other.work();
      const row = { uri: 'https://r.example/', origin: 'added', declaration: {}, createdAt: 1 };
      work.add(other.resources.save({ ...row, serverId: null, serverSecret: null }));
      await work.commit();
    };
    await save();
    await expect.poll(() => heard).toEqual(['everything', 'resources']);
    line.cut();
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual(['everything', 'resources', 'everything']);
    await save();
    await expect.poll(() => heard.at(-1)).toBe('resources');
    await stop();
    await other.close();
  });
});
