// The palette: one set of column names, two dialects.
// PostgreSQL lends the types; SQLite offers the same members and is cast to them once, here.

import { lite, pg } from './drizzle.ts';

// JSON is kept as text in both, so that a NUL inside a string (`\u0000` once encoded) is as welcome to one as to the other.
const pgJson = pg.customType<{ data: unknown; driverData: string }>({
  dataType: () => 'text',
  toDriver: (value) => JSON.stringify(value),
  fromDriver: (value) => JSON.parse(value),
});
const liteJson = lite.customType<{ data: unknown; driverData: string }>({
  dataType: () => 'text',
  toDriver: (value) => JSON.stringify(value),
  fromDriver: (value) => JSON.parse(value),
});
const pgBytes = pg.customType<{ data: Buffer }>({ dataType: () => 'bytea' });

export const postgresColumns = {
  table: pg.pgTable,
  text: (name: string) => pg.text(name),
  int: (name: string) => pg.integer(name),
  flag: (name: string) => pg.boolean(name),
  /** Milliseconds since the epoch, UTC. */
  time: (name: string) => pg.bigint(name, { mode: 'number' }),
  json: (name: string) => pgJson(name),
  bytes: (name: string) => pgBytes(name),
  index: pg.index,
  unique: pg.uniqueIndex,
  primaryKey: pg.primaryKey,
};

export type Columns = typeof postgresColumns;

export const sqliteColumns = {
  table: lite.sqliteTable,
  text: (name: string) => lite.text(name),
  int: (name: string) => lite.integer(name),
  flag: (name: string) => lite.integer(name, { mode: 'boolean' }),
  time: (name: string) => lite.integer(name),
  json: (name: string) => liteJson(name),
  bytes: (name: string) => lite.blob(name, { mode: 'buffer' }),
  index: lite.index,
  unique: lite.uniqueIndex,
  primaryKey: lite.primaryKey,
} as unknown as Columns;
