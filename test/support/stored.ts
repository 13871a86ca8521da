// What is in the database of a server, read past the server: every table, every row.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import Sqlite from 'better-sqlite3';
import type { Server } from './server.ts';

export type Stored = Record<string, Array<Record<string, unknown>>>;

// PostgreSQL can only be asked by waiting, so another process waits.
function storedInPostgres(url: string): Stored {
  const script = fileURLToPath(new URL('dump.ts', import.meta.url));
  const text = execFileSync(process.execPath, [script, url], { encoding: 'utf8', maxBuffer: 1 << 28 });
  return JSON.parse(text, (_name, value) => (value?.type === 'Buffer' ? Buffer.from(value.data) : value));
}

/** Every row of every table, blobs as Buffers. */
export function stored({ rooms: { config } }: Server): Stored {
  if (config.database.kind === 'postgres') return storedInPostgres(config.database.url.reveal());
  const db = new Sqlite(config.database.file, { readonly: true });
  try {
    const names = db
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_\\_%' ESCAPE '\\'")
      .pluck()
      .all() as string[];
    return Object.fromEntries(
      names.map((name) => [name, db.prepare(`SELECT * FROM "${name}"`).all() as Stored[string]]),
    );
  } finally {
    db.close();
  }
}

/** How many rows each table has. */
export const counts = (server: Server): Record<string, number> =>
  Object.fromEntries(Object.entries(stored(server)).map(([table, rows]) => [table, rows.length]));
