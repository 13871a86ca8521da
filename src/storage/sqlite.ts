// SQLite through better-sqlite3: open, migrate, commit, close.
// WAL with synchronous=FULL, so that an acknowledged revocation survives a power cut.

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import Sqlite from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { sqliteColumns } from './columns.ts';
import { type Commit, Lost } from './commit.ts';
import { unavailable } from './faults.ts';
import type { Database } from './open.ts';
import { tables } from './schema.ts';

const migrationsFolder = fileURLToPath(new URL('../../migrations/sqlite', import.meta.url));

/** `file` is a path, or `:memory:`. */
export function openSqlite(file: string) {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const raw = new Sqlite(file);
  raw.pragma('journal_mode = WAL');
  raw.pragma('synchronous = FULL');
  raw.pragma('busy_timeout = 5000');
  raw.pragma('foreign_keys = ON');
  raw.pragma('cache_size = -16000');
  const db = drizzle(raw);

  const prepared = new Map<string, Sqlite.Statement>();
  const prepare = (text: string): Sqlite.Statement => {
    const found = prepared.get(text) ?? raw.prepare(text);
    prepared.set(text, found);
    return found;
  };

  const commit: Commit = async (writes) => {
    try {
      prepare('BEGIN IMMEDIATE').run();
      for (const write of writes) {
        const statement = prepare(write.sql);
        if (!statement.reader) statement.run(...write.params);
        else if (statement.all(...write.params).length === 0 && write.must) throw new Lost(write);
      }
      prepare('COMMIT').run();
    } catch (error) {
      if (raw.inTransaction) prepare('ROLLBACK').run();
      throw error instanceof Lost ? error : unavailable(error);
    }
  };

  return {
    dialect: 'sqlite' as const,
    // Every query is written against PostgreSQL's types; the builders of both dialects have the same verbs.
    db: db as unknown as Database,
    tables: tables(sqliteColumns),
    commit,
    migrate: async (): Promise<void> => migrate(db, { migrationsFolder }),
    ping: async (): Promise<void> => void raw.prepare('SELECT 1').get(),
    close: async (): Promise<void> => void raw.close(),
  };
}
