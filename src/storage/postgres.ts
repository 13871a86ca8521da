// PostgreSQL through node-postgres: pool, migrate, listen, close. Commits are transaction.ts.
// A connection that breaks never ends the process, and one that is silent is given up in less than five seconds.

import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { Refusal } from '../errors.ts';
import { asking } from './asking.ts';
import { listenForChanges } from './changes.ts';
import { postgresColumns } from './columns.ts';
import type { Change } from './commit.ts';
import { marking, meet } from './doubt.ts';
import { sql } from './drizzle.ts';
import { onPostgres } from './drizzle-postgres.ts';
import { tables } from './schema.ts';
import { postgresCommit } from './transaction.ts';

const migrationsFolder = fileURLToPath(new URL('../../migrations/postgres', import.meta.url));

// Two processes starting at once must not migrate at once; the number is arbitrary and ours.
const MIGRATION_LOCK = 4_729_115;

// Milliseconds. The server gives up first, with a reason; the client's own limit is for a server that is not there.
const LIMITS = {
  lock_timeout: 2_000,
  statement_timeout: 2_500,
  query_timeout: 3_000,
  connectionTimeoutMillis: 3_000,
  idle_in_transaction_session_timeout: 10_000,
};

/** `url` is a postgres:// connection string; `onError` hears of idle connections that broke. */
export function openPostgres(url: string, onError: (error: Error) => void) {
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    keepAlive: true,
    ...LIMITS,
    async onConnect(client) {
      // One that breaks while it is in use says so to whoever uses it; unheard, it would end the process as well.
      client.on('error', () => {});
      await meet(client);
    },
  });
  pool.on('error', (error: Error & { client?: unknown }) => {
    delete error.client; // all that the driver holds: thousands of words for a log
    onError(error);
  });
  const db = onPostgres.drizzle(asking(pool));
  const schema = tables(postgresColumns);

  return {
    dialect: 'postgres' as const,
    db,
    tables: schema,
    commit: postgresCommit(pool, marking(db, schema)),
    // nothing says at once what another process has written
    version: () => undefined,
    others: () => undefined,
    async migrate(): Promise<void> {
      // A migration may take long, and waits for that of another process.
      const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
      client.on('error', () => {});
      try {
        await client.connect();
        await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]); // given back when the session ends
        await onPostgres.migrate(onPostgres.drizzle(client), { migrationsFolder });
      } finally {
        await client.end().catch(() => {});
      }
    },
    listen: (onChange: (what: Change | 'everything') => void): (() => Promise<void>) =>
      listenForChanges(url, onChange, onError),
    async backup(): Promise<void> {
      throw new Refusal('This database is PostgreSQL, which has its own ways to make a backup.', {
        reason: 'backup_elsewhere',
        hint: 'Use pg_dump, or continuous archiving.',
      });
    },
    ping: async (): Promise<void> => void (await db.execute(sql`SELECT 1`)),
    close: (): Promise<void> => pool.end(),
  };
}
