// SQLite's commits: requests that are ready in the same turn of the event loop share one transaction, and so one
// flush to the disk. Each is a savepoint of its own: one that loses its race takes nobody along.

import type Sqlite from 'better-sqlite3';
import { type Commit, Lost, type Write } from './commit.ts';
import { unavailable } from './faults.ts';

// While another process writes, this one goes on serving: it asks again instead of waiting inside SQLite.
const PATIENCE = 4_000;
const PAUSE = 10;

type Waiting = { writes: readonly Write[]; done: () => void; failed: (error: unknown) => void };

const busy = (error: unknown): boolean =>
  String((error as { code?: unknown })?.code ?? '').startsWith('SQLITE_BUSY');

export function sharedFlush(raw: Sqlite.Database) {
  const prepared = new Map<string, Sqlite.Statement>();
  let queue: Waiting[] = [];
  let busySince: number | undefined;

  function run(sql: string, params: readonly unknown[] = []): number {
    const statement = prepared.get(sql) ?? raw.prepare(sql);
    prepared.set(sql, statement);
    if (statement.reader) return statement.all(...params).length;
    statement.run(...params);
    return 0;
  }

  /** What this request is to be told once all is durable. Throws when the whole transaction is gone. */
  function attempt({ writes, done, failed }: Waiting): () => void {
    run('SAVEPOINT request');
    try {
      for (const write of writes) {
        if (run(write.sql, write.params) === 0 && write.must) throw new Lost(write);
      }
      run('RELEASE request');
      return done;
    } catch (error) {
      // A full disk or a failed read may have rolled everything back already, the requests before this one too.
      if (!raw.inTransaction) throw error;
      run('ROLLBACK TO request');
      run('RELEASE request');
      return () => failed(error instanceof Lost ? error : unavailable(error));
    }
  }

  /** False while another process writes; throws when that takes too long. */
  function begun(): boolean {
    try {
      run('BEGIN IMMEDIATE');
      busySince = undefined;
      return true;
    } catch (error) {
      busySince ??= performance.now();
      if (busy(error) && performance.now() - busySince < PATIENCE) return false;
      busySince = undefined;
      throw error;
    }
  }

  function flush(): void {
    const waiting = queue;
    if (waiting.length === 0) return;
    try {
      if (!begun()) return void setTimeout(flush, PAUSE);
      queue = [];
      // Whoever lost to a request of the same flush may hear of it only when that one is durable.
      const outcomes = waiting.map(attempt);
      run('COMMIT');
      for (const tell of outcomes) tell();
    } catch (error) {
      queue = [];
      if (raw.open && raw.inTransaction) run('ROLLBACK');
      for (const { failed } of waiting) failed(unavailable(error));
    }
  }

  const commit: Commit = (writes) =>
    new Promise((done, failed) => {
      queue.push({ writes, done, failed });
      // Not in this turn: whatever else the event loop has ready now joins.
      if (queue.length === 1) setImmediate(flush);
    });

  return {
    commit,
    /** Commits what is waiting, at once. */
    drain: flush,
  };
}
