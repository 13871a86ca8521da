// A backup of a SQLite database, put back. What it cannot know is what was ended after it was made: whoever restores is
// told so, and may have everything in it ended.

import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import { Refusal } from '../errors.ts';
import { copy, notInUse, settle } from './backup.ts';
import { openSqlite } from './sqlite.ts';

/** The file itself, and what SQLite keeps beside it while it is open. */
const PARTS = ['', '-wal', '-shm'];

function openBackup(file: string): Sqlite.Database {
  const unreadable = (cause?: unknown): Refusal =>
    new Refusal(`${file} is not a database of this server, or is damaged.`, {
      reason: 'backup_unreadable',
      cause,
    });
  let db: Sqlite.Database | undefined;
  try {
    db = new Sqlite(file, { fileMustExist: true });
    db.prepare('SELECT 1 FROM grants, audit, signing_keys LIMIT 1').get();
    if (db.pragma('quick_check', { simple: true }) === 'ok') return db;
  } catch (error) {
    db?.close();
    throw unreadable(error);
  }
  db.close();
  throw unreadable();
}

export type Restored = {
  /** When the last thing in the backup happened, ms since the epoch; null when nothing ever did. */
  until: number | null;
  /** Where the database went that was there before. */
  former?: string;
  /** How many were ended. */
  ended?: { grants: number; families: number };
};

/** Nothing that was ended, used or signed out after the backup lives again. */
function endEverything(db: Sqlite.Database, now: number): { grants: number; families: number } {
  return db.transaction(() => {
    const end = (table: string): number =>
      db.prepare(`UPDATE ${table} SET ended_at = ?, ended_by = 'restored' WHERE ended_at IS NULL`).run(now)
        .changes;
    const ended = { grants: end('grants'), families: end('families') };
    // Sessions, codes and tokens; and links that somebody may have used since.
    for (const table of ['artifacts', 'invitations', 'upstream_transactions'])
      db.prepare(`DELETE FROM ${table}`).run();
    return ended;
  })();
}

/**
 * Puts the backup `from` where the database `to` is. `replace` allows that there is one, which is kept under another
 * name; `end` ends every connection in it. Throws a Refusal, with nothing changed, when it cannot be done.
 */
export async function restore(given: {
  from: string;
  to: string;
  replace: boolean;
  end: boolean;
  now: number;
}): Promise<Restored> {
  const { from, to, replace, end, now } = given;
  const there = existsSync(to);
  if (there && !replace) {
    throw new Refusal(`There is a database at ${to}.`, {
      reason: 'database_exists',
      hint: 'With --force it is kept under another name, and this one takes its place.',
    });
  }
  if (there) notInUse(to);
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  const part = `${to}.part`;
  const source = openBackup(from);
  try {
    await copy(source, part);
  } finally {
    source.close();
  }
  const current = openSqlite(part);
  await current.migrate(); // it may be older than this version
  await current.close();
  const db = new Sqlite(part);
  const until = db.prepare('SELECT max(at) FROM audit').pluck().get() as number | null;
  const ended = end ? endEverything(db, now) : undefined;
  db.pragma('journal_mode = DELETE');
  db.close();
  const former = there ? `${to}.before-${new Date(now).toISOString().replace(/[:.]/g, '')}` : undefined;
  for (const suffix of PARTS) {
    if (former && existsSync(to + suffix)) renameSync(to + suffix, former + suffix);
    else rmSync(to + suffix, { force: true });
  }
  settle(part, to);
  return { until, ...(former ? { former } : {}), ...(ended ? { ended } : {}) };
}
