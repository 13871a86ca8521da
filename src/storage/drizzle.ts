// drizzle-orm by its CommonJS build. Its ES modules import one another in circles, and linking them costs Node
// two thirds of a second and 230 MB at every start. The types are the same; drizzle-kit is served as well.

import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

export const {
  and,
  count,
  desc,
  eq,
  fillPlaceholders,
  getTableColumns,
  gt,
  inArray,
  isNotNull,
  isNull,
  lt,
  max,
  or,
  sql,
} = load('drizzle-orm') as typeof import('drizzle-orm');
export const pg = load('drizzle-orm/pg-core') as typeof import('drizzle-orm/pg-core');
// an alias is the same to both dialects
export const { alias, getTableConfig } = pg;
export const lite = load('drizzle-orm/sqlite-core') as typeof import('drizzle-orm/sqlite-core');

export const onSqlite = {
  ...(load('drizzle-orm/better-sqlite3') as typeof import('drizzle-orm/better-sqlite3')),
  ...(load('drizzle-orm/better-sqlite3/migrator') as typeof import('drizzle-orm/better-sqlite3/migrator')),
};
