// A SQLite database, copied while it is in use. Putting a copy back is restore.ts.

import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import { Refusal } from '../errors.ts';

const ALL_AT_ONCE = 0x7fffffff;

/** A file that is on the disk, complete, under its name: or not there at all. */
export function settle(part: string, file: string): void {
  for (const path of [part, dirname(file)]) {
    const handle = openSync(path, 'r');
    fsyncSync(handle);
    closeSync(handle);
    if (path === part) renameSync(part, file);
  }
}

/** Copies `source` to `file`, as it is at one moment, as a single file that only its owner can read. */
export async function copy(source: Sqlite.Database, file: string): Promise<void> {
  rmSync(file, { force: true });
  closeSync(openSync(file, 'w', 0o600));
  // In one step: between two, a write by another process would make it begin again, for ever on a busy server.
  await source.backup(file, { progress: () => ALL_AT_ONCE });
  const made = new Sqlite(file);
  try {
    made.pragma('journal_mode = DELETE');
    if (made.pragma('quick_check', { simple: true }) !== 'ok') throw new Error('the copy is not sound');
  } finally {
    made.close();
  }
}

/** Writes a copy to `file`. Throws a Refusal where there is one already. */
export async function backup(source: Sqlite.Database, file: string): Promise<void> {
  if (existsSync(file)) {
    throw new Refusal(`${file} exists already.`, { reason: 'file_exists', hint: 'Name a new file.' });
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  await copy(source, `${file}.part`);
  settle(`${file}.part`, file);
}

/** Throws a Refusal while another process has the database open. Its write-ahead log is empty after this. */
export function notInUse(file: string): void {
  const db = new Sqlite(file, { timeout: 0 });
  try {
    db.pragma('journal_mode = DELETE'); // which takes nobody else having it open
  } catch (error) {
    if (!String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')) return;
    throw new Refusal(`${file} is in use.`, { reason: 'database_in_use', hint: 'Stop the server first.' });
  } finally {
    db.close();
  }
}
