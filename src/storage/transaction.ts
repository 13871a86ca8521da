// PostgreSQL's commits: one transaction on one connection in one round trip, BEGIN and COMMIT with everything between
// them. What is tried again, and when that is safe, is decided here and nowhere else.

import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { BatchFailed, type Named, runBatch } from './batch.ts';
import { type Commit, Lost, type Write } from './commit.ts';
import { happened, sessionOf } from './doubt.ts';
import { disconnected, sqlState, unavailable } from './faults.ts';

const RETRIES = 2;
// A retry begins within the first second, so that the answer, whichever it is, comes in less than five.
const RETRY_WITHIN = 1_000;
const PAUSE = 50;

/** PostgreSQL parses a statement once per connection when it has a name. */
function named(form: (sql: string) => string) {
  const known = new Map<string, { name: string; text: string }>();
  return ({ sql, params }: { sql: string; params: readonly unknown[] }): Named => {
    let made = known.get(sql);
    if (!made) {
      const text = form(sql);
      made = { name: `w_${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`, text };
      known.set(sql, made);
    }
    return { name: made.name, text: made.text, values: params };
  };
}

const DIVISION_BY_ZERO = '22012';
const plain = named((sql) => sql);
/** Where it touches no row it is an error, after which PostgreSQL does nothing more of the transaction. */
const conditional = named(
  (sql) => `WITH won AS (${sql}) SELECT 1 / count(*) AS an_error_where_another_was_faster FROM won`,
);

// named as what they are, for those who look at what is sent
const BEGIN: Named = { name: 'BEGIN', text: 'BEGIN', values: [] };
const COMMIT: Named = { name: 'COMMIT', text: 'COMMIT', values: [] };
const notify = (what: string): Named => plain({ sql: "SELECT pg_notify('cardea', $1)", params: [what] });

/** The connection ended before the answer came, so that COMMIT may have been done or not. */
class InDoubt extends Error {
  override name = 'InDoubt';
  readonly session: ReturnType<typeof sessionOf>;
  constructor(session: ReturnType<typeof sessionOf>, cause: unknown) {
    super('the connection ended after COMMIT was sent', { cause });
    this.session = session;
  }
}

/** `marked` is a write of no meaning, for a transaction in which nothing else would be evidence of it. */
export function postgresCommit(pool: pg.Pool, marked: () => Write): Commit {
  async function attempt(writes: readonly Write[]): Promise<void> {
    const changes = [...new Set(writes.flatMap(({ changes }) => changes ?? []))];
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await runBatch(client, [
        BEGIN,
        ...writes.map((write) => (write.must ? conditional(write) : plain(write))),
        ...changes.map(notify),
        COMMIT,
      ]);
    } catch (error) {
      if (!(error instanceof BatchFailed)) throw error;
      const { cause, at, spoilt } = error;
      if (spoilt || disconnected(cause)) broken = error;
      if (disconnected(cause)) throw new InDoubt(sessionOf(client), cause);
      await client.query('ROLLBACK').catch((failed: Error) => {
        broken = failed;
      });
      const write = writes[at - 1];
      if (write?.must && sqlState(cause) === DIVISION_BY_ZERO) throw new Lost(write);
      throw cause;
    } finally {
      client.release(broken);
    }
  }

  return async (given) => {
    const began = performance.now();
    const bare = given.some(({ must }) => must) && !given.some(({ evidence }) => evidence);
    const writes = bare ? [...given, marked()] : given;
    const evidence = writes.find((write) => write.evidence)?.evidence;
    for (let tries = 0; ; tries += 1) {
      try {
        return await attempt(writes);
      } catch (error) {
        if (error instanceof Lost) throw error;
        if (error instanceof InDoubt) {
          // Trying again on a guess could do it twice, or tell an honest client that its code was used before.
          const { session } = error;
          const done = session && evidence && (await happened(pool, session, evidence));
          if (done) return;
          if (done === undefined) throw unavailable(error);
        }
        // Nothing of it has happened, so that all of it may be sent again.
        const again =
          error instanceof InDoubt || disconnected(error) || /^40(001|P01)/.test(sqlState(error) ?? '');
        if (!again || tries === RETRIES || performance.now() - began > RETRY_WITHIN) throw unavailable(error);
        await pause(PAUSE);
      }
    }
  };
}
