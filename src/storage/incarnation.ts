// Tells whether a PostgreSQL server is still the one that a connection was made to, or has crashed since or been
// replaced by its standby. Numbers of transactions that were lost with it are given out again, so that afterwards
// nothing is to be believed about them. Called by postgres.ts and transaction.ts.

import type pg from 'pg';

/**
 * PostgreSQL, CREATE TABLE: an unlogged table "is automatically truncated after a crash or unclean shutdown. The
 * contents of an unlogged table are also not replicated to standby servers." Its only row is that of this incarnation.
 */
export const INCARNATION_TABLE =
  'CREATE UNLOGGED TABLE IF NOT EXISTS incarnation (only_row boolean PRIMARY KEY, id text NOT NULL)';

const BEGIN = 'INSERT INTO incarnation VALUES (true, gen_random_uuid()) ON CONFLICT DO NOTHING';
const ASK = 'SELECT id FROM incarnation WHERE only_row';

const known = new WeakMap<pg.ClientBase, string>();

/** To be called once for a new connection, which outlives no incarnation. */
export async function meet(client: pg.ClientBase): Promise<void> {
  const ask = async () => (await client.query<{ id: string }>(ASK)).rows[0]?.id;
  try {
    let id = await ask();
    if (id === undefined) {
      await client.query(BEGIN);
      id = await ask();
    }
    if (id !== undefined) known.set(client, id);
  } catch {
    // a server that only reads stays unknown, and what else is wrong with it the next question tells
  }
}

/** Of the server that this connection was made to; undefined when that was never learnt. */
export const incarnationOf = (client: pg.ClientBase): string | undefined => known.get(client);
