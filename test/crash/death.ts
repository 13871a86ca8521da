// Death at a named moment, for a process under test: loaded before anything else with `--import`, it waits for
// CARDEA_TEST_DEATH (`<point> <n>`) and kills the process, uncaught and unflushed, the n-th time it comes there.
// A point of the boot counts from the start, any other from SIGUSR2 on. Knows the drivers and node:http, not the stores.

import { writeSync } from 'node:fs';
import { ServerResponse } from 'node:http';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { textsOf } from '../support/asked.ts';
import type { Point } from './points.ts';

const [, name = '', nth = '1'] = /^(.*) (\d+)$/.exec(process.env['CARDEA_TEST_DEATH'] ?? '') ?? [];
const point = name as Point;
let left = Number(nth);
let armed = point.startsWith('boot');
process.on('SIGUSR2', () => {
  armed = true;
});

function here(...points: Point[]): void {
  if (!armed || !points.includes(point)) return;
  left -= 1;
  if (left > 0) return;
  writeSync(2, `died: ${name}\n`);
  process.kill(process.pid, 'SIGKILL');
  for (;;); // the signal may take a moment; nothing more may happen in it
}

// What is done once a minute is done at once, or nobody would live to see it.
const { setTimeout: later } = globalThis;
if (point.startsWith('sweep') || point.startsWith('rotation')) {
  globalThis.setTimeout = ((task: () => void, ms?: number) =>
    later(task, ms === 60_000 ? 100 : ms)) as typeof setTimeout;
}

let rotating = false;

/** A statement has been run. */
function ran(sql: string): void {
  if (/^\s*(begin|commit|rollback|savepoint|release|select|pragma)/i.test(sql)) return;
  here('boot, after a statement', 'inside the transaction, after a statement');
  if (/^\s*delete/i.test(sql)) here('sweep, after a statement');
  if (/signing_keys/i.test(sql)) {
    rotating = true;
    here('rotation, inside the transaction');
  }
}

function committed(): void {
  here('boot, after a commit', 'after COMMIT');
  if (rotating) here('rotation, after COMMIT');
  rotating = false;
}

type Asks = (...args: unknown[]) => unknown;

if (process.env['DATABASE_URL']?.startsWith('postgres')) {
  const client = pg.Client.prototype as unknown as { query: Asks };
  const { query } = client;
  client.query = function asked(this: unknown, ...args: unknown[]): unknown {
    const asks = textsOf(args[0]);
    const commits = asks.includes('COMMIT');
    if (asks.includes('BEGIN')) here('before the transaction');
    if (commits) here('before COMMIT');
    // a transaction is one message: once it is answered, what was inside it is over as well
    const done = (): void => {
      for (const sql of asks) ran(sql);
      if (commits) committed();
    };
    const last = args.at(-1);
    const told = (...answer: unknown[]): unknown => {
      if (!answer[0]) done();
      return (last as Asks)(...answer);
    };
    const answer = query.apply(this, typeof last === 'function' ? [...args.slice(0, -1), told] : args);
    // the kernel has it and PostgreSQL will do it, but nobody hears of that
    if (commits) setImmediate(() => here('COMMIT sent, unanswered'));
    if (!(answer instanceof Promise)) return answer;
    return answer.then((result) => {
      done();
      return result;
    });
  };
} else {
  const statement = Object.getPrototypeOf(new Sqlite(':memory:').prepare('SELECT 1')) as Record<string, Asks>;
  for (const verb of ['run', 'all', 'get']) {
    const original = statement[verb] as Asks;
    statement[verb] = function asked(this: { source: string }, ...args: unknown[]): unknown {
      if (this.source === 'BEGIN IMMEDIATE') here('before the transaction');
      if (this.source === 'COMMIT') here('before COMMIT', 'COMMIT sent, unanswered');
      const result = original.apply(this, args);
      if (/^commit/i.test(this.source)) committed();
      else ran(this.source);
      return result;
    };
  }
}

// The answer: not begun, half of it on its way, all of it.
const response = ServerResponse.prototype as unknown as { end: Asks; write: Asks; once: Asks };
const { end } = response;
response.end = function ended(this: ServerResponse, ...args: unknown[]): unknown {
  here('before the answer');
  const [body] = args;
  if (armed && point === 'half way through the answer' && typeof body === 'string' && body.length > 1) {
    this.write(body.slice(0, body.length / 2), () => here('half way through the answer'));
    if (left <= 1) return this;
    return end.call(this, body.slice(body.length / 2));
  }
  this.once('finish', () => here('after the answer'));
  return end.apply(this, args);
};
