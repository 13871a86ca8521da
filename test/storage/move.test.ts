// From SQLite to PostgreSQL: all of it, as it was, or nothing.

import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { move } from '../../src/storage/move.ts';
import { openStorage } from '../../src/storage/open.ts';
import { freePort } from '../support/cardea.ts';
import { postgresServer, sqliteFile, type TestDatabase } from '../support/databases.ts';
import { artifact } from './rows.ts';

describe('a move to PostgreSQL', () => {
  let target: TestDatabase;
  let source: TestDatabase;
  let file: string;
  let direct: pg.Client;

  beforeAll(async () => {
    target = await postgresServer();
    direct = new pg.Client({ connectionString: target.url });
    await direct.connect();
  }, 60_000);
  afterAll(async () => {
    await direct?.end();
    await target?.remove();
  });
  beforeEach(async () => {
    await direct.query(
      'DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS drizzle CASCADE; CREATE SCHEMA public',
    );
    source = await sqliteFile();
    file = source.url.slice('sqlite:'.length);
  });
  afterEach(() => source.remove());

  const rows = Array.from({ length: 1_203 }, (_, n) =>
    artifact({
      key: `${['a', 'A', 'é', 'z', '_', '-'][n % 6]}${n}`, // orders that collations disagree about
      payload: JSON.stringify({ n, nul: '\u0000', odd: '☃\u2028' }),
      expiresAt: n % 3 ? 4e12 + n : null,
    }),
  );

  async function filled(): Promise<void> {
    const storage = await openStorage(source.location);
    const work = storage.work();
    const account = { id: 'a', username: 'alex', name: 'Alex', password: '$argon2id$x', createdAt: 1 };
    work.add(
      ...rows.map((row) => storage.artifacts.insert(row)),
      storage.accounts.insert({ ...account, administrator: true, disabledAt: null }),
      storage.families.link('f', 'g'),
      storage.families.link('f', 'h'),
      storage.keys.insert({
        ...{ kid: 'k', algorithm: 'ES256', state: 'current', public: { kty: 'EC', z: [1, { a: null }] } },
        ...{ private: Buffer.from([0, 255, 10, 39, 92]), createdAt: 1, changedAt: 2 },
      }),
    );
    await work.commit();
    await storage.close();
  }

  it('every row is there as it was, and the file is left as it is', async () => {
    await filled();
    const moved = await move({ file, url: target.url });
    const counts = Object.fromEntries(
      moved.filter((each) => each.rows > 0).map((each) => [each.table, each.rows]),
    );
    expect(counts).toEqual({ accounts: 1, artifacts: rows.length, family_grants: 2, signing_keys: 1 });
    expect(new Set(moved.map(({ digest }) => digest)).size).toBe(5); // four, and that of nothing
    const [before, after] = [await openStorage(source.location), await openStorage(target.location)];
    for (const row of rows.slice(0, 50)) expect(await after.artifacts.find(row.key)).toEqual(row);
    expect(await after.keys.list()).toEqual(await before.keys.list());
    expect(await Array.fromAsync(after.accounts.list())).toEqual(
      await Array.fromAsync(before.accounts.list()),
    );
    await before.close();
    await after.close();
  });

  it('a database that is not empty is refused, and nothing is added to it', async () => {
    await filled();
    const storage = await openStorage(target.location);
    const work = storage.work();
    work.add(storage.families.link('there', 'already'));
    await work.commit();
    await storage.close();
    await expect(move({ file, url: target.url })).rejects.toMatchObject({
      reason: 'target_not_empty',
      message: expect.stringContaining('family_grants'),
    });
    const { rows: artifacts } = await direct.query('SELECT count(*)::int AS n FROM artifacts');
    expect(artifacts).toEqual([{ n: 0 }]);
  });

  it('a server that still has the file open is found', async () => {
    await filled();
    const storage = await openStorage(source.location);
    await Array.fromAsync(storage.accounts.list());
    await expect(move({ file, url: target.url })).rejects.toMatchObject({ reason: 'database_in_use' });
    await storage.close();
  });

  it('what PostgreSQL changes on its way in, or cannot hold, is found, and nothing is kept', async () => {
    await filled();
    // migrated beforehand, so that something can stand in the way
    await (await openStorage(target.location)).close();
    await direct.query(`CREATE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.key = 'A7' THEN NEW.payload := '{}'; END IF; RETURN NEW; END $$`);
    await direct.query('CREATE TRIGGER odd BEFORE INSERT ON artifacts FOR EACH ROW EXECUTE FUNCTION odd()');
    await expect(move({ file, url: target.url })).rejects.toMatchObject({
      reason: 'move_differs',
      message: expect.stringContaining('artifacts'),
    });
    expect((await direct.query('SELECT count(*)::int AS n FROM accounts')).rows).toEqual([{ n: 0 }]);

    await direct.query('DROP TRIGGER odd ON artifacts');
    const db = new Sqlite(file);
    db.prepare("UPDATE accounts SET name = 'a' || char(0)").run();
    db.close();
    await expect(move({ file, url: target.url })).rejects.toMatchObject({
      reason: 'move_refused',
      message: expect.not.stringContaining('argon2'),
    });
    expect((await direct.query('SELECT count(*)::int AS n FROM accounts')).rows).toEqual([{ n: 0 }]);
  });

  it('a database that is not there is 503, and says so soon', async () => {
    await filled();
    const url = `postgres://x@127.0.0.1:${await freePort()}/x`;
    await expect(move({ file, url })).rejects.toMatchObject({ status: 503 });
  });
});
