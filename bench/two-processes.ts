// Whether a second process doubles what there is: one issuer, one PostgreSQL, and clients that ask one `cardea serve`, or
// twice as many that ask two, in turn. Where they can be held to it, each process has the same small share of a core, so that
// neither the database nor who asks is what runs out.
// `node bench/two-processes.ts [--ops refresh,exchange] [--share 15] [--clients 16] [--seconds 3] [--rounds 5] [--codes 30]`

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { type Cardea, freePort, startCardea } from '../test/support/cardea.ts';
import { postgresServer } from '../test/support/databases.ts';
import { type Client, connect } from './client.ts';
import { cost } from './cpu.ts';
import { operations } from './operations.ts';
import { cardeaConfig } from './servers.ts';
import { share } from './share.ts';
import { median, table } from './table.ts';
import { ACCOUNT } from './world.ts';

const OPERATIONS = ['refresh', 'exchange', 'introspect'] as const;
type Operation = (typeof OPERATIONS)[number];

const { values: options } = parseArgs({
  options: {
    ops: { type: 'string', default: OPERATIONS.join(',') },
    share: { type: 'string', default: '15' },
    clients: { type: 'string', default: '16' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    codes: { type: 'string', default: '30' },
  },
});
const [percent, clients, seconds, rounds, codes] = [
  ...[Number(options.share), Number(options.clients), Number(options.seconds)],
  ...[Number(options.rounds), Number(options.codes)],
] as [number, number, number, number, number];

const dir = mkdtempSync(join(tmpdir(), 'cardea-two-'));
const database = await postgresServer({ durable: true });
const ports = [await freePort(), await freePort()] as const;
const issuer = `http://127.0.0.1:${ports[0]}`;
const env = { CARDEA_ISSUER: issuer, NODE_ENV: 'production', CARDEA_LOG_LEVEL: 'warn' };
const processes: Cardea[] = [];
for (const port of ports) {
  processes.push(await startCardea({ dir, port, env, config: cardeaConfig('jwt'), database: database.url }));
}
await processes[0]?.addAccount(ACCOUNT.username, ACCOUNT.password);
const pids = processes.map(({ pid }) => pid ?? 0);
const shares = pids.map(share);
const held = shares.every((each) => each !== undefined);
const hold = (to: number | undefined): void => {
  for (const each of shares) each?.is(to);
};

// Each process is asked by as many, whether it is alone or not.
const askedBy = (most: number): Promise<Client[]> =>
  Promise.all(
    Array.from({ length: clients * most }, (_, n) =>
      connect(issuer, { at: `http://127.0.0.1:${ports[n % most ? 1 : 0]}` }),
    ),
  );
const asking = { one: await askedBy(1), two: await askedBy(2) };

const eyes = new pg.Client({ connectionString: database.url });
await eyes.connect();

/** Of the sessions that do something, how many wait for a lock that another has, while `task` runs. */
async function waits(task: () => Promise<void>): Promise<{ busy: number; waiting: number }> {
  const seen = { busy: 0, waiting: 0 };
  let over = false;
  const looking = (async () => {
    while (!over) {
      const { rows } = await eyes.query(
        `SELECT count(*)::int AS busy, count(*) FILTER (WHERE wait_event_type = 'Lock')::int AS waiting
           FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()`,
      );
      seen.busy += rows[0].busy;
      seen.waiting += rows[0].waiting;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  await task().finally(() => {
    over = true;
  });
  await looking;
  return seen;
}

type Measured = { perSecond: number; cpu: number; busy: number; waiting: number };

async function measure(of: Client[], name: Operation, to = percent as number | undefined): Promise<Measured> {
  hold(undefined);
  const work = await Promise.all(of.map((client) => operations[name]?.prepare(client, codes)));
  hold(to);
  const spent = (): number => pids.reduce((sum, pid) => sum + cost(pid), 0);
  let done = 0;
  const [began, before] = [performance.now(), spent()];
  const until = began + seconds * 1000;
  const { busy, waiting } = await waits(async () => {
    await Promise.all(
      work.map(async (next) => {
        for (let run = next?.(); run && performance.now() < until; run = next?.()) {
          await run();
          done += 1;
        }
      }),
    );
  });
  const elapsed = (performance.now() - began) / 1000;
  return { perSecond: done / elapsed, cpu: (spent() - before) / done, busy, waiting };
}

const rows: string[][] = [];
for (const name of OPERATIONS.filter((each) => options.ops.split(',').includes(each))) {
  const found: { one: Measured[]; two: Measured[] } = { one: [], two: [] };
  for (let round = 0; round <= rounds; round += 1) {
    for (const how of round % 2 ? (['one', 'two'] as const) : (['two', 'one'] as const)) {
      // the first warms up, with as much as there is
      const measured = await measure(asking[how], name, round === 0 ? undefined : percent);
      if (round > 0) found[how].push(measured);
    }
  }
  const of = (how: 'one' | 'two', what: 'perSecond' | 'cpu') => median(found[how].map((each) => each[what]));
  const gain = median(
    found.two.map(({ perSecond }, at) => perSecond / (found.one[at]?.perSecond ?? Number.NaN)),
  );
  const blocked = (how: 'one' | 'two') => {
    const [waiting, busy] = (['waiting', 'busy'] as const).map((each) =>
      found[how].reduce((sum, measured) => sum + measured[each], 0),
    ) as [number, number];
    return `${waiting} of ${busy}`;
  };
  rows.push([
    name,
    ...[of('one', 'perSecond').toFixed(0), of('two', 'perSecond').toFixed(0), gain.toFixed(2)],
    ...[(of('one', 'cpu') * 1000).toFixed(2), (of('two', 'cpu') * 1000).toFixed(2)],
    ...[blocked('one'), blocked('two')],
  ]);
}
console.log(
  held ? `each process held to ${percent} % of a core` : 'nobody is held to anything: no cgroup here',
);
console.log(
  table([
    [
      '',
      'one: a second',
      'two: a second',
      'ratio',
      'one: CPU ms',
      'two: CPU ms',
      'one: in a lock',
      'two: in a lock',
    ],
    ...rows,
  ]),
);

await eyes.end();
await Promise.all([...asking.one, ...asking.two].map((client) => client.close()));
for (const each of shares) each?.free();
for (const each of processes) await each.stop();
await database.remove();
rmSync(dir, { recursive: true, force: true });
