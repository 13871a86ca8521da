// drizzle-orm's other driver, apart: it loads node-postgres, which a server on SQLite need not have in memory.

import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

export const onPostgres = {
  ...(load('drizzle-orm/node-postgres') as typeof import('drizzle-orm/node-postgres')),
  ...(load('drizzle-orm/node-postgres/migrator') as typeof import('drizzle-orm/node-postgres/migrator')),
};
