// Slow storage, for a process under test: loaded before anything else with `--import`, it makes every read and every
// commit take CARDEA_TEST_LATENCY ms longer. Without it each request finishes before the next begins, and a race
// between two processes proves nothing. Knows the drivers, not the stores.

import { setTimeout as wait } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { QueryPromise } from 'drizzle-orm/query-promise';
import pg from 'pg';

const latency = Number(process.env['CARDEA_TEST_LATENCY'] ?? 15);
const still = new Int32Array(new SharedArrayBuffer(4));

type Then = (kept?: (value: unknown) => unknown, failed?: (error: unknown) => unknown) => Promise<unknown>;
type Executes = { execute(): Promise<unknown> };
type Asks = (...args: unknown[]) => unknown;

// What was read is old by the time it is looked at, as with any database that is not in the same room.
const late = async (answer: unknown): Promise<unknown> => {
  const value = await answer;
  await wait(latency);
  return value;
};

if (process.env['DATABASE_URL']?.startsWith('postgres')) slowPostgres();
else slowSqlite();

function slowPostgres(): void {
  const client = pg.Client.prototype as unknown as { query: Asks };
  const { query } = client;
  // The pool asks with a callback, a transaction with a promise.
  client.query = function asked(this: unknown, ...args: unknown[]): unknown {
    const last = args.at(-1);
    if (typeof last !== 'function') return late(query.apply(this, args));
    const told = (...answer: unknown[]): void => void setTimeout(() => last(...answer), latency);
    return query.apply(this, [...args.slice(0, -1), told]);
  };
}

function slowSqlite(): void {
  const promise = QueryPromise.prototype as unknown as { then: Then };
  // biome-ignore lint/suspicious/noThenProperty: the query builder is a thenable, and this is where it runs
  promise.then = function asked(this: Executes, kept, failed) {
    return late(Promise.resolve(this.execute())).then(kept, failed);
  };
  const database = Sqlite.prototype as { prepare: Asks };
  const { prepare } = database;
  // A flush holds the write lock and the thread for as long as the disk takes.
  database.prepare = function prepared(this: unknown, sql: unknown): unknown {
    const statement = prepare.call(this, sql) as { run: Asks };
    if (!/^\s*COMMIT\b/i.test(String(sql))) return statement;
    const { run } = statement;
    statement.run = function flushed(this: unknown, ...args: unknown[]): unknown {
      Atomics.wait(still, 0, 0, latency);
      return run.apply(this, args);
    };
    return statement;
  };
}
