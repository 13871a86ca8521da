// PostgreSQL through node-postgres: pool, migrate, commit, close.
// A commit is one transaction on one connection; a dead pool connection never ends the process.

import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { postgresColumns } from './columns.ts';
import { type Commit, Lost } from './commit.ts';
import { unavailable } from './faults.ts';
import { tables } from './schema.ts';

const migrationsFolder = fileURLToPath(new URL('../../migrations/postgres', import.meta.url));

// Two processes starting at once must not migrate at once; the number is arbitrary and ours.
const MIGRATION_LOCK = 4_729_115;

/** `url` is a postgres:// connection string; `onError` hears of idle connections that broke. */
export function openPostgres(url: string, onError: (error: Error) => void) {
  const pool = new pg.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 5000 });
  pool.on('error', onError);
  const db = drizzle(pool);

  const commit: Commit = async (writes) => {
    const client = await pool.connect().catch((error) => {
      throw unavailable(error);
    });
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      for (const write of writes) {
        const { rows } = await client.query(write.sql, write.params);
        if (write.must && rows.length === 0) throw new Lost(write);
      }
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch((failed: Error) => {
        broken = failed;
      });
      throw error instanceof Lost ? error : unavailable(error);
    } finally {
      client.release(broken);
    }
  };

  return {
    dialect: 'postgres' as const,
    db,
    tables: tables(postgresColumns),
    commit,
    async migrate(): Promise<void> {
      const client = await pool.connect();
      try {
        await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
        await migrate(drizzle(client), { migrationsFolder });
      } finally {
        await client.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
        client.release();
      }
    },
    ping: async (): Promise<void> => void (await db.execute(sql`SELECT 1`)),
    close: (): Promise<void> => pool.end(),
  };
}
