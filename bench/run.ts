// Measures what Cardea costs its machine, next to what somebody would otherwise write, in the same minutes: rounds
// are interleaved, so that a noisy machine is as unkind to one as to the other. It judges nothing. `npm run bench`.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Client, connect } from './client.ts';
import { CLOCK, cost, resident } from './cpu.ts';
import { type Operation, operations } from './operations.ts';
import { type Server, startAlternative, startBare, startCardea } from './servers.ts';
import { median, table } from './table.ts';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    ops: { type: 'string', default: Object.keys(operations).join(',') },
    clients: { type: 'string', default: '8' },
    codes: { type: 'string', default: '200' },
  },
});
const number = (name: 'seconds' | 'rounds' | 'clients' | 'codes'): number => {
  const value = Number(options[name]);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0`);
  return value;
};
const [seconds, rounds, many, codes] = [
  number('seconds'),
  number('rounds'),
  number('clients'),
  number('codes'),
];
const chosen = options.ops.split(',').map((name): [string, Operation] => {
  const operation = (operations as Record<string, Operation>)[name];
  if (!operation)
    throw new Error(`there is no operation ${name}, only ${Object.keys(operations).join(', ')}`);
  return [name, operation];
});

/** Seconds of the server for one operation, when all clients ask at once; undefined when it did none. */
async function costOf(server: Server, clients: Client[], operation: Operation): Promise<number | undefined> {
  const each = Math.ceil(codes / clients.length);
  const work = await Promise.all(clients.map((client) => operation.prepare(client, each)));
  let done = 0;
  const until = performance.now() + seconds * 1000;
  const before = cost(server.pid);
  await Promise.all(
    work.map(async (next) => {
      for (let run = next(); run && performance.now() < until; run = next()) {
        await run();
        done++;
      }
    }),
  );
  return done > 0 ? (cost(server.pid) - before) / done : undefined;
}

type Found = { server: Server; byOperation: Map<string, number[]> };

/** Every server does every operation once a round. */
async function measure(servers: Server[], bare: Server): Promise<Found[]> {
  const all = await Promise.all(
    [...servers, bare].map(async (server) => ({
      server,
      clients: await Promise.all(
        Array.from({ length: many }, () => connect(server.origin, { onlyDocuments: server === bare })),
      ),
      byOperation: new Map(chosen.map(([name]) => [name, [] as number[]])),
    })),
  );
  for (const [name, operation] of chosen) {
    for (let round = 0; round <= rounds; round++) {
      for (const { server, clients, byOperation } of all) {
        if (server === bare && operation.against !== 'bare Koa') continue;
        const spent = await costOf(server, clients, operation);
        // the first round warms up
        if (spent !== undefined && round > 0) byOperation.get(name)?.push(spent);
      }
    }
    process.stderr.write(`${operation.about}: done\n`);
  }
  await Promise.all(all.flatMap(({ clients }) => clients.map((client) => client.close())));
  return all;
}

function report(found: Found[]): string {
  const of = (server: string, operation: string): number[] =>
    found.find((each) => each.server.name === server)?.byOperation.get(operation) ?? [];
  const shown = found.filter(({ server }) => server.name !== 'bare Koa').map(({ server }) => server.name);
  const rows = chosen.map(([name, { about, against }]) => [
    about,
    against,
    (median(of(against, name)) * 1000).toFixed(3),
    ...shown.map((server) => {
      if (server === against) return '1.00';
      const ratios = of(server, name).map((spent, round) => spent / (of(against, name)[round] ?? Number.NaN));
      return median(ratios).toFixed(2);
    }),
  ]);
  const costs = table([['operation', 'compared with', 'its ms', ...shown], ...rows]);
  const processes = table([
    ['process', 'ready after ms', 'memory MiB'],
    ...found.map(({ server }) => [
      server.name,
      server.readyAfter.toFixed(0),
      resident(server.pid)?.toFixed(0) ?? 'unknown',
    ]),
  ]);
  return `${CLOCK} time of the server for one operation, as a multiple of what it is compared with
(medians of ${rounds} interleaved rounds of ${seconds} s, ${many} clients at once)

${costs}

${processes}
`;
}

const directory = mkdtempSync(join(tmpdir(), 'cardea-bench-'));
const started: Server[] = [];
try {
  const start = async (server: Promise<Server>): Promise<Server> => {
    started.push(await server);
    return server;
  };
  const servers = [
    await start(startAlternative(directory)),
    await start(startCardea('Cardea, opaque', 'opaque', directory)),
    await start(startCardea('Cardea, JWT', 'jwt', directory)),
  ];
  process.stdout.write(`\n${report(await measure(servers, await start(startBare())))}`);
} finally {
  await Promise.all(started.map((server) => server.stop()));
  rmSync(directory, { recursive: true, force: true });
}
