// A bug for a process under test, loaded with `--import`: after the n-th SIGUSR2, the n-th statement that reads or
// writes throws what no database would. Knows the drivers, not the stores.

import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { textsOf } from '../support/asked.ts';

let signals = 0;
let left = 0;
process.on('SIGUSR2', () => {
  signals += 1;
  left = signals;
});

function bug(sql: string): void {
  // what runs beside the requests is not meant, and a transaction that cannot be left is another matter
  if (left === 0 || !/^\s*(select|insert|update)/i.test(sql)) return;
  if (/signing_keys|resources|SELECT 1$|pg_current_xact_id|upstreams/i.test(sql)) return;
  left -= 1;
  if (left === 0) throw new TypeError('a bug of the test');
}

type Asks = (...args: unknown[]) => unknown;

if (process.env['DATABASE_URL']?.startsWith('postgres')) {
  const client = pg.Client.prototype as unknown as { query: Asks };
  const { query } = client;
  client.query = function asked(this: unknown, ...args: unknown[]): unknown {
    const last = args.at(-1);
    try {
      for (const sql of textsOf(args[0])) bug(sql);
    } catch (error) {
      if (typeof last === 'function') return void setImmediate(() => last(error));
      return Promise.reject(error);
    }
    return query.apply(this, args);
  };
} else {
  const statement = Object.getPrototypeOf(new Sqlite(':memory:').prepare('SELECT 1')) as Record<string, Asks>;
  for (const verb of ['run', 'all', 'get']) {
    const original = statement[verb] as Asks;
    statement[verb] = function asked(this: { source: string }, ...args: unknown[]): unknown {
      bug(this.source);
      return original.apply(this, args);
    };
  }
}
