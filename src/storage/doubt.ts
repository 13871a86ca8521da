// Whether a transaction happened of whose COMMIT no answer came. The session that would know is ended first, so that
// what is not there then will never be; and what is looked for is a row that only this transaction can have written.
// Called by postgres.ts and transaction.ts.

import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { random } from '../crypto.ts';
import type { Write } from './commit.ts';
import { eq } from './drizzle.ts';
import type { Database } from './room.ts';
import type { Tables } from './schema.ts';
import { type Statement, slot, slots, statement } from './statement.ts';

const PATIENCE = 3_000;
const PAUSE = 20;
const MARKED_FOR = 60_000;

/** A session of the server: a number alone is given out again. */
type Session = { pid: number; since: string };

// the same in every session, however it writes times
const SINCE = 'extract(epoch FROM backend_start)::text';
const WHO = `SELECT pid, ${SINCE} AS since FROM pg_stat_activity WHERE pid = pg_backend_pid()`;
const END = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND ${SINCE} = $2`;

/** A write that means nothing but that it was done, which is of interest for seconds. */
export function marking(db: Pick<Database, 'insert' | 'select'>, { artifacts }: Tables): () => Write {
  const insert = statement<{ key: string; model: string; payload: string; expiresAt: number }>(
    db.insert(artifacts).values(slots('key', 'model', 'payload', 'expiresAt')),
  );
  const byKey = statement<{ key: string }>(
    db
      .select({ key: artifacts.key })
      .from(artifacts)
      .where(eq(artifacts.key, slot('key'))),
  );
  return () => {
    const key = random(18);
    const row = insert({ key, model: 'Commit', payload: '', expiresAt: Date.now() + MARKED_FOR });
    return { ...row, evidence: byKey({ key }) };
  };
}

const known = new WeakMap<pg.ClientBase, Session>();

/** To be called once for a new connection. */
export async function meet(client: pg.ClientBase): Promise<void> {
  try {
    const [session] = (await client.query<Session>(WHO)).rows;
    if (session) known.set(client, session);
  } catch {
    // what is wrong with it the next question tells
  }
}

export const sessionOf = (client: pg.ClientBase): Session | undefined => known.get(client);

/** Undefined when that cannot be found out now. `evidence` finds a row if it did. */
export async function happened(
  pool: pg.Pool,
  session: Session,
  evidence: Statement,
): Promise<boolean | undefined> {
  const ask = (text: string, values: unknown[]) =>
    pool.query(text, values).then(
      ({ rows }) => rows.length,
      () => undefined,
    );
  for (const until = performance.now() + PATIENCE; performance.now() < until; await pause(PAUSE)) {
    if ((await ask(END, [session.pid, session.since])) !== 0) continue;
    const found = await ask(evidence.sql, evidence.params);
    if (found !== undefined) return found > 0;
  }
  return undefined;
}
