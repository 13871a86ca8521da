// PostgreSQL's commits: one transaction on one connection, in two round trips — everything, then COMMIT — or in one,
// where no write is conditional. What is tried again, and when that is safe, is decided here and nowhere else.

import { createHash } from 'node:crypto';
import type pg from 'pg';
import { BatchFailed, runBatch } from './batch.ts';
import { type Commit, Lost, type Write } from './commit.ts';
import { disconnected, sqlState, unavailable } from './faults.ts';
import { incarnationOf } from './incarnation.ts';

const RETRIES = 2;
// A retry begins within the first second, so that the answer, whichever it is, comes in less than five.
const RETRY_WITHIN = 1_000;
const OUTCOME_WITHIN = 3_000;

const names = new Map<string, string>();

/** PostgreSQL parses a statement once per connection when it has a name. */
function named({ sql, params }: { sql: string; params: readonly unknown[] }) {
  const name = names.get(sql) ?? `w_${createHash('sha256').update(sql).digest('base64url').slice(0, 22)}`;
  names.set(sql, name);
  return { name, text: sql, values: params };
}

const BEGIN = { name: 'BEGIN', text: 'BEGIN', values: [] };
const COMMIT = { name: 'COMMIT', text: 'COMMIT', values: [] };
const TRANSACTION_ID = named({ sql: 'SELECT pg_current_xact_id()::text AS id', params: [] });
const OUTCOME =
  'SELECT pg_xact_status($1::xid8) AS status, (SELECT id FROM incarnation WHERE only_row) AS incarnation';
type Outcome = { status: string | null; incarnation: string | null };
const notify = (what: string) => ({ sql: "SELECT pg_notify('cardea', $1)", params: [what] });

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** As PostgreSQL numbers it, and which server it was that did. */
type Transaction = { id: string; incarnation: string };

/** COMMIT was sent and no answer came: only PostgreSQL knows. */
class InDoubt extends Error {
  override name = 'InDoubt';
  readonly transaction: Transaction | undefined;
  constructor(transaction: Transaction | undefined, cause: unknown) {
    super('the connection ended after COMMIT was sent', { cause });
    this.transaction = transaction;
  }
}

export function postgresCommit(pool: pg.Pool): Commit {
  async function attempt(writes: readonly Write[]): Promise<void> {
    const conditional = writes.some((write) => write.must);
    const changes = [...new Set(writes.flatMap(({ changes }) => changes ?? []))];
    const client = await pool.connect();
    let broken: Error | undefined;
    let id: string | undefined;
    let committing = !conditional;
    let failed: BatchFailed | undefined;
    try {
      const before = conditional ? [BEGIN, TRANSACTION_ID] : [BEGIN];
      const answers = await runBatch(client, [
        ...before,
        ...writes.map(named),
        ...changes.map((what) => named(notify(what))),
        ...(conditional ? [] : [COMMIT]),
      ]).catch((error: unknown) => {
        if (!(error instanceof BatchFailed)) throw error;
        failed = error;
        return error.answers;
      });
      if (conditional) {
        id = answers[1]?.[0] ?? undefined;
        // Of two things that went wrong the first one counts: what follows a failure is not done at all.
        const lost = writes.findIndex(
          (write, index) => write.must && answers[before.length + index]?.length === 0,
        );
        if (writes[lost]) throw new Lost(writes[lost]);
      }
      if (failed) throw failed.cause;
      if (conditional) {
        committing = true;
        await client.query('COMMIT');
      }
    } catch (error) {
      if (error instanceof Error && disconnected(error)) {
        broken = error;
        const incarnation = incarnationOf(client);
        if (committing) throw new InDoubt(id && incarnation ? { id, incarnation } : undefined, error);
      } else {
        await client.query('ROLLBACK').catch((failed: Error) => {
          broken = failed;
        });
      }
      if (failed?.spoilt) broken = failed;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /** What became of a transaction whose COMMIT was not answered; undefined when that cannot be found out. */
  async function outcome({ id, incarnation }: Transaction): Promise<string | undefined> {
    const until = performance.now() + OUTCOME_WITHIN;
    while (performance.now() < until) {
      const { rows } = await pool.query<Outcome>(OUTCOME, [id]).catch(() => ({ rows: [] }));
      const [now] = rows;
      // What a crash took with it never happened; but "committed" may by then be another's that got the same number.
      if (now?.status === 'committed' && now.incarnation !== incarnation) return undefined;
      if (now?.status === 'committed' || now?.status === 'aborted') return now.status;
      await pause(100);
    }
    return undefined;
  }

  return async (writes) => {
    const began = performance.now();
    for (let tries = 0; ; tries += 1) {
      try {
        return await attempt(writes);
      } catch (error) {
        if (error instanceof Lost) throw error;
        if (error instanceof InDoubt) {
          // Trying again on a guess could do it twice, or tell an honest client that its code was used before.
          const became = error.transaction && (await outcome(error.transaction));
          if (became === 'committed') return;
          if (became === undefined) throw unavailable(error);
        }
        // Without COMMIT nothing of it can have happened (or it was rolled back), so that all of it may be sent again.
        const again =
          error instanceof InDoubt || disconnected(error) || /^40(001|P01)/.test(sqlState(error) ?? '');
        if (!again || tries === RETRIES || performance.now() - began > RETRY_WITHIN) throw unavailable(error);
        await pause(50);
      }
    }
  };
}
