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

const known = new WeakMap<pg.ClientBase, Promise<string | undefined>>();

/** To be called once for a new connection, which outlives no incarnation. */
export function meet(client: pg.ClientBase): void {
  // a server that only reads has one already, or none, and then stays unknown
  client.query(BEGIN).catch(() => {});
  const asked = client.query<{ id: string }>(ASK);
  known.set(
    client,
    asked.then(
      ({ rows }) => rows[0]?.id,
      () => undefined,
    ),
  );
}

/** Of the server that this connection was made to; undefined when that was never learnt. */
export const incarnationOf = async (client: pg.ClientBase): Promise<string | undefined> => known.get(client);
