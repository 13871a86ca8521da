// What a store is built from: query builders and the tables, of whichever dialect.

import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Touched } from './recent.ts';
import type { Version } from './remembered.ts';
import type { Tables } from './schema.ts';

export type Database = Pick<NodePgDatabase, 'select' | 'insert' | 'update' | 'delete'>;

export type Room = {
  db: Database;
  tables: Tables;
  version: Version;
  /** As `Version`, of what other processes write only. */
  others: () => unknown;
  touched: Touched;
};
