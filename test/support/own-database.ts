// A database for one server: a copy of the shared PostgreSQL's migrated one, where there is a shared PostgreSQL.
// Called by support/server.ts.

import { randomBytes } from 'node:crypto';
import pg from 'pg';

async function asAdministrator(shared: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({
    connectionString: Object.assign(new URL(shared), { pathname: '/postgres' }).href,
  });
  await client.connect();
  try {
    for (const sql of statements) await client.query(sql);
  } finally {
    await client.end();
  }
}

/** `shared` is the address of the database to copy. */
export async function ownDatabase(shared: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  const template = new URL(shared).pathname.slice(1);
  await asAdministrator(shared, `CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`);
  return {
    url: Object.assign(new URL(shared), { pathname: `/${name}` }).href,
    drop: () => asAdministrator(shared, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}
