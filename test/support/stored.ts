// What is in the database of a server, read past the server: every table, every row.

import Sqlite from 'better-sqlite3';
import type { Server } from './server.ts';

export type Stored = Record<string, Array<Record<string, unknown>>>;

/** Every row of every table, blobs in base64. */
export function stored({ rooms: { config } }: Server): Stored {
  if (config.database.kind !== 'sqlite') throw new Error('only SQLite can be read past the server');
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
