// SQLite through better-sqlite3: open, migrate, commit, close.
// WAL with synchronous=FULL, so that an acknowledged revocation survives a power cut.

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import Sqlite from 'better-sqlite3';
import { backup } from './backup.ts';
import { sqliteColumns } from './columns.ts';
import { onSqlite } from './drizzle.ts';
import { sharedFlush } from './flush.ts';
import { oncePerTurn } from './remembered.ts';
import type { Database } from './room.ts';
import { tables } from './schema.ts';
import { unusable } from './starting.ts';

const migrationsFolder = fileURLToPath(new URL('../../migrations/sqlite', import.meta.url));

// Milliseconds that SQLite itself waits for another process, and with it every request of this one; a commit waits
// longer, outside (flush.ts). Nobody is served yet while the schema is brought up to date.
const PATIENCE = 100;
const MIGRATION_PATIENCE = 30_000;

function connect(file: string): Sqlite.Database {
  try {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const raw = new Sqlite(file);
    raw.pragma('journal_mode = WAL');
    raw.pragma('synchronous = FULL');
    raw.pragma('foreign_keys = ON');
    raw.pragma('cache_size = -2000');
    return raw;
  } catch (error) {
    throw unusable(file, error);
  }
}

/** `file` is a path, or `:memory:`. Throws a Refusal when it cannot be opened. */
export function openSqlite(file: string) {
  const raw = connect(file);
  const db = onSqlite.drizzle(raw);

  const { commit, drain } = sharedFlush(raw);
  // The first counts other connections' commits, the second this one's changes.
  const others = raw.prepare('PRAGMA data_version').pluck();
  const ours = raw.prepare('SELECT total_changes()').pluck();
  const foreign = oncePerTurn(() => others.get());

  return {
    dialect: 'sqlite' as const,
    // Every query is written against PostgreSQL's types; the builders of both dialects have the same verbs.
    db: db as unknown as Database,
    tables: tables(sqliteColumns),
    commit,
    version: oncePerTurn(() => `${foreign()} ${ours.get()}`),
    others: foreign,
    async migrate(): Promise<void> {
      raw.pragma(`busy_timeout = ${MIGRATION_PATIENCE}`);
      onSqlite.migrate(db, { migrationsFolder });
      raw.pragma(`busy_timeout = ${PATIENCE}`);
    },
    // Another process on the same file cannot say that it changed something; it is found by looking.
    listen: () => async (): Promise<void> => {},
    backup: (to: string): Promise<void> => backup(raw, to),
    ping: async (): Promise<void> => void raw.prepare('SELECT 1').get(),
    async close(): Promise<void> {
      drain();
      raw.close();
    },
  };
}
