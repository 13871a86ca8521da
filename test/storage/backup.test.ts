// Copying a database that is in use, and putting it back without bringing to life what was ended since.

import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GrantRow } from '../../src/storage/grants.ts';
import { openStorage, type Storage } from '../../src/storage/open.ts';
import { restore } from '../../src/storage/restore.ts';
import { sqliteFile, type TestDatabase } from '../support/databases.ts';
import { artifact } from './rows.ts';

const NOW = 1_800_000_000_000;

const grant = (id: string): GrantRow => ({
  ...{ id, accountId: 'a', clientId: 'c', clientName: 'C', clientIdentity: 'i', resource: id },
  ...{ scopes: ['s'], tools: {}, upstreams: [], version: 1, createdAt: 1, updatedAt: 1, expiresAt: 4e12 },
  ...{ endedAt: null, endedBy: null },
});

describe('on SQLite', () => {
  let database: TestDatabase;
  let storage: Storage;
  let file: string;
  let backup: string;

  beforeEach(async () => {
    database = await sqliteFile();
    file = database.url.slice('sqlite:'.length);
    backup = join(dirname(file), 'copies', 'one.db');
    storage = await openStorage(database.location);
  });
  afterEach(async () => {
    await storage.close();
    await database.remove();
  });

  type Write = Parameters<ReturnType<Storage['work']>['add']>[0];
  const write = async (...writes: Write[]): Promise<void> => {
    const work = storage.work();
    work.add(...writes);
    await work.commit();
  };
  const restored = async (given: { replace?: boolean; end?: boolean } = {}) => {
    await storage.close();
    const done = await restore({ from: backup, to: file, replace: true, end: false, now: NOW, ...given });
    storage = await openStorage(database.location);
    return done;
  };

  it('a backup made while others write is sound, complete at one moment, and its owner’s alone', async () => {
    let stop = false;
    const rows = Array.from({ length: 200 }, () => artifact());
    const pairs = (async () => {
      for (let n = 0; !stop; n += 1) {
        await write(
          storage.artifacts.insert(artifact({ uid: `${n}` })),
          storage.artifacts.insert(artifact()),
        );
      }
    })();
    await write(...rows.map((row) => storage.artifacts.insert(row)));
    await storage.backup(backup);
    stop = true;
    await pairs;
    expect(statSync(backup).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(backup))).toEqual(['one.db']);
    const copied = await openStorage({ kind: 'sqlite', file: backup });
    for (const row of rows) expect(await copied.artifacts.find(row.key)).toEqual(row);
    await copied.close();
    await expect(storage.backup(backup)).rejects.toMatchObject({ reason: 'file_exists' });
  });

  it('what is put back is what was backed up, and the former database is kept', async () => {
    const [early, late] = [artifact(), artifact()];
    await write(storage.artifacts.insert(early));
    await storage.backup(backup);
    await write(storage.artifacts.insert(late));
    const done = await restored();
    expect(await storage.artifacts.find(early.key)).toEqual(early);
    expect(await storage.artifacts.find(late.key)).toBeUndefined();
    expect(done.former).toMatch(/cardea\.db\.before-/);
    const former = await openStorage({ kind: 'sqlite', file: done.former ?? '' });
    expect(await former.artifacts.find(late.key)).toEqual(late);
    await former.close();
    expect(existsSync(`${file}.part`)).toBe(false);
  });

  it('is refused over a database without being told to, in use, or from a file that is no backup', async () => {
    await storage.backup(backup);
    const put = (given: object) =>
      restore({ from: backup, to: file, replace: true, end: false, now: NOW, ...given });
    await expect(put({ replace: false })).rejects.toMatchObject({ reason: 'database_exists' });
    await storage.artifacts.find('x');
    await expect(put({})).rejects.toMatchObject({ reason: 'database_in_use' });
    await storage.close();
    for (const text of ['', 'not a database, but long enough to be asked whether it is one'.repeat(20)]) {
      const from = join(dirname(file), 'odd');
      writeFileSync(from, text);
      await expect(put({ from })).rejects.toMatchObject({ reason: 'backup_unreadable' });
    }
    await expect(put({ from: join(dirname(file), 'none') })).rejects.toMatchObject({
      reason: 'backup_unreadable',
    });
    storage = await openStorage(database.location);
  });

  it('a connection that was ended after the backup lives again, unless all are to be ended', async () => {
    const family = { accountId: 'a', clientId: 'c', createdAt: 1, lastUsedAt: 1, accessUntil: 1 };
    const live = { endedAt: null, endedBy: null };
    const session = artifact({ model: 'Session', familyId: null });
    await write(
      storage.grants.insert(grant('g')),
      storage.families.insert({ id: 'f', ...family, ...live }),
      storage.artifacts.insert(session),
      storage.accounts.invite({ digest: 'link', purpose: 'first', createdAt: 1, expiresAt: 4e12 }),
    );
    await storage.backup(backup);
    await write(storage.grants.end('g', 'person', 5), storage.families.end('f', 'person', 5));
    await restored();
    expect((await storage.grants.find('g'))?.endedAt).toBeNull();

    const done = await restored({ end: true });
    expect(done.ended).toEqual({ grants: 1, families: 1 });
    expect(await storage.grants.find('g')).toMatchObject({ endedAt: NOW, endedBy: 'restored' });
    expect(await storage.artifacts.find(session.key)).toBeUndefined();
    expect(await storage.accounts.findInvitation('link')).toBeUndefined();
    // whoever connects again may
    await write(storage.grants.insert({ ...grant('again'), resource: 'g' }));
  });
});
