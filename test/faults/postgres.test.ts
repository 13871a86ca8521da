// PostgreSQL is restarted, crashes, is slow, only reads, takes nobody, or vanishes between COMMIT and its answer.
// THREATS P12, P14, P15, P16, P18, P25.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Beside, beside } from '../support/beside.ts';
import { type Cable, cable } from '../support/cable.ts';
import { freePort, startCardea } from '../support/cardea.ts';
import { postgresServer, type TestPostgres } from '../support/databases.ts';
import { connect, introspect } from '../support/flow.ts';
import { broken } from '../support/invariants.ts';
import { basicConfig, OTHER_RESOURCE, OTHER_SERVER } from '../support/server.ts';
import { type Remote, remote } from './remote.ts';
import { traffic } from './traffic.ts';

/** What src/storage/postgres.ts takes before it migrates. */
const MIGRATION_LOCK = 4_729_115;

let postgres: TestPostgres;
let line: Cable;
let server: Remote;
beforeAll(async () => {
  postgres = await postgresServer();
  line = await cable(Number(new URL(postgres.url).port));
  const database = Object.assign(new URL(postgres.url), { port: String(line.port) }).href;
  server = await remote({ database });
}, 120_000);
afterAll(async () => {
  expect(await server?.cardea.stop()).toBe(0);
  await line?.close();
  await postgres?.remove();
}, 60_000);

async function rulesHold(): Promise<void> {
  const eyes: Beside = await beside(postgres.url);
  const found = await broken(eyes).finally(eyes.close);
  expect(found).toEqual([]);
}

/** How `cardea serve` ends that is told so before it serves: once it has said something, or something is so. */
async function endedBy(
  signal: NodeJS.Signals,
  { database, dir, said }: { database: string; dir: string; said: RegExp | (() => Promise<void>) },
): Promise<number> {
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  const env = { PATH: process.env['PATH'], CARDEA_DATA: dir, DATABASE_URL: database };
  const child = spawn(process.execPath, [main, 'serve'], { env, cwd: dir });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const ended = once(child, 'exit');
  if (said instanceof RegExp) await expect.poll(() => log, { timeout: 20_000 }).toMatch(said);
  else await said();
  child.kill(signal);
  const [code] = await ended;
  return code;
}
const status = async (path: string): Promise<number> => (await fetch(server.issuer + path)).status;

it.each(['fast', 'immediate'] as const)(
  'a %s restart of PostgreSQL under traffic costs nobody anything',
  async (how) => {
    const lanes = await traffic(server, 6);
    await lanes.during(async () => {
      await expect.poll(() => lanes.told.served).toBeGreaterThan(10);
      await postgres.stop(how);
      expect([await status('/health'), await status('/ready')]).toEqual([200, 503]);
      await expect.poll(() => lanes.told.later, { timeout: 20_000 }).toBeGreaterThan(6);
      await postgres.start();
    });
    await lanes.recovers();
    expect(await status('/ready')).toBe(200);
    await rulesHold();
  },
);

it('a connection that is cut after COMMIT was sent, again and again, neither loses nor doubles a token', async () => {
  const lanes = await traffic(server, 4);
  await lanes.during(async () => {
    for (let cuts = 0; cuts < 10; cuts += 1) {
      const { served } = lanes.told;
      line.is('cut after commit');
      await expect.poll(() => lanes.told.served, { timeout: 20_000 }).toBeGreaterThan(served + 4);
    }
  });
  await lanes.recovers();
  await rulesHold();
});

it('a database that is far away is slow, and nothing else', async () => {
  const lanes = await traffic(server, 6);
  line.is('long');
  await lanes.during(async () => {
    await expect.poll(() => lanes.told.served, { timeout: 30_000 }).toBeGreaterThan(6);
  });
  line.is('whole');
  await lanes.recovers();
  await rulesHold();
});

/** While it is so, for every new connection; those that are open end. */
async function whileIt(is: string, isNoMore: string, task: () => Promise<void>): Promise<void> {
  const admin = new pg.Client({
    connectionString: Object.assign(new URL(postgres.url), { pathname: '/postgres' }).href,
  });
  admin.on('error', () => {});
  await admin.connect();
  const cut = () =>
    admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'cardea'");
  await admin.query(is);
  await cut();
  await task().finally(async () => {
    await admin.query(isNoMore);
    await cut();
    await admin.end();
  });
}

const READ_ONLY = [
  'ALTER DATABASE cardea SET default_transaction_read_only = on',
  'ALTER DATABASE cardea RESET default_transaction_read_only',
] as const;

it.each([
  ['only reads, as a standby does', ...READ_ONLY],
  [
    'has another password now',
    "ALTER ROLE postgres PASSWORD 'another'",
    "ALTER ROLE postgres PASSWORD 'postgres'",
  ],
  [
    'takes no more connections',
    'ALTER DATABASE cardea ALLOW_CONNECTIONS false',
    'ALTER DATABASE cardea ALLOW_CONNECTIONS true',
  ],
])('a database that %s is 503 until it does again', async (_what, is, isNoMore) => {
  const lanes = await traffic(server, 4);
  await lanes.during(() =>
    whileIt(is, isNoMore, async () => {
      await expect.poll(() => lanes.told.later, { timeout: 20_000 }).toBeGreaterThan(4);
      expect(await status('/health')).toBe(200);
    }),
  );
  await lanes.recovers();
  await rulesHold();
});

it('a database that makes those who meet begin again (serializable) is slow, and nothing else', async () => {
  const held = await connect(server, { by: server.alex() });
  let token = held.tokens.refresh_token;
  const strict = 'ALTER DATABASE cardea SET default_transaction_isolation = serializable';
  await whileIt(strict, 'ALTER DATABASE cardea RESET default_transaction_isolation', async () => {
    await expect.poll(() => status('/ready'), { timeout: 10_000 }).toBe(200);
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all([1, 2, 3, 4].map(() => held.refresh(token)));
      expect(answers.map((each) => each.status)).toEqual([200, 200, 200, 200]);
      expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
      token = answers[0]?.body.refresh_token;
    }
  });
  await rulesHold();
});

it('a table that somebody else has locked is 503 while it is locked', async () => {
  const lanes = await traffic(server, 4);
  const other = new pg.Client({ connectionString: postgres.url });
  await other.connect();
  await lanes.during(async () => {
    await other.query('BEGIN');
    await other.query('LOCK TABLE artifacts IN ACCESS EXCLUSIVE MODE');
    await expect.poll(() => lanes.told.later, { timeout: 20_000 }).toBeGreaterThan(3);
    expect([await status('/health'), await status('/ready')]).toEqual([200, 200]);
    await other.query('ROLLBACK');
  });
  await other.end();
  await lanes.recovers();
  await rulesHold();
});

it('a network that swallows everything is 503, and the server says itself that it is not ready', async () => {
  const lanes = await traffic(server, 4);
  await lanes.during(async () => {
    line.is('silent');
    await expect.poll(() => lanes.told.later, { timeout: 20_000 }).toBeGreaterThan(3);
    expect([await status('/health'), await status('/ready')]).toEqual([200, 503]);
    line.is('whole');
    line.cut();
  });
  await lanes.recovers();
  expect(await status('/ready')).toBe(200);
  await rulesHold();
});

it('a revocation that could not be written down is 503 and never 200, and is done when it is asked again', async () => {
  const alex = server.alex();
  const { tokens, client } = await connect(server, { by: alex });
  const opaque = await connect(server, {
    by: alex,
    params: { resource: OTHER_RESOURCE, scope: 'other:use' },
  });
  const own = [tokens.access_token, opaque.tokens.access_token, tokens.refresh_token];
  const revoke = (token: string) =>
    server.post('/revoke', {
      ...{ token, client_id: (token === own[1] ? opaque.client : client).client_id },
    });
  const active = async () => [
    (await introspect(server, tokens.access_token)).active,
    (await introspect(server, opaque.tokens.access_token, OTHER_SERVER)).active,
  ];
  const refused = async (): Promise<void> => {
    for (const { status, body } of await Promise.all(own.map(revoke)))
      expect([status, body?.error]).toEqual([503, 'temporarily_unavailable']);
  };
  for (const is of ['refusing', 'silent'] as const) {
    line.is(is);
    if (is === 'refusing') line.cut();
    await refused();
    line.is('whole');
    line.cut();
    await expect.poll(() => status('/ready'), { timeout: 10_000 }).toBe(200);
    expect(await active()).toEqual([true, true]);
  }
  // what is asked about is found, and only the write fails
  await whileIt(...READ_ONLY, async () => {
    await expect.poll(() => status('/ready'), { timeout: 10_000 }).toBe(200);
    await refused();
  });
  expect(await active()).toEqual([true, true]);
  for (const token of own) expect((await revoke(token)).status).toBe(200);
  expect(await active()).toEqual([false, false]);
  await rulesHold();
});

it('a server that is started before its database waits for it, and says so', async () => {
  await postgres.stop('fast');
  let log = '';
  const hear = (all: string): void => {
    log = all;
  };
  const begun = { dir: server.cardea.dir, database: postgres.url, config: basicConfig };
  const late = startCardea({ ...begun, patience: 60_000, hear });
  try {
    await expect.poll(() => log, { timeout: 30_000 }).toMatch(/the database is not there yet/);
  } finally {
    await postgres.start();
  }
  const cardea = await late;
  expect((await fetch(`${cardea.issuer}/ready`)).status).toBe(200);
  expect(await cardea.stop()).toBe(0);
});

it.each(['SIGTERM', 'SIGINT'] as const)(
  'a server that waits for its database, or for another that migrates it, ends with %s at once',
  async (signal) => {
    const { dir } = server.cardea;
    const nowhere = Object.assign(new URL(postgres.url), { port: String(await freePort()) }).href;
    expect(await endedBy(signal, { database: nowhere, dir, said: /the database is not there yet/ })).toBe(0);

    const other = new pg.Client({ connectionString: postgres.url });
    await other.connect();
    await other.query(`SELECT pg_advisory_lock(${MIGRATION_LOCK})`);
    const waiting = async (): Promise<number> =>
      (await other.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")).rows.length;
    try {
      const said = (): Promise<void> => expect.poll(waiting, { timeout: 20_000 }).toBe(1);
      expect(await endedBy(signal, { database: postgres.url, dir, said })).toBe(0);
    } finally {
      await other.end();
    }
  },
);

it('a server whose database has fallen silent ends when it is told to', async () => {
  const database = Object.assign(new URL(postgres.url), { port: String(line.port) }).href;
  const cardea = await startCardea({ config: basicConfig, database, dir: server.cardea.dir });
  line.is('silent');
  expect((await fetch(`${cardea.issuer}/ready`)).status).toBe(503);
  expect(await cardea.stop()).toBe(0);
  line.is('whole');
  line.cut();
});

it('a wrong password is no reason to wait', async () => {
  const database = Object.assign(new URL(postgres.url), { password: 'wrong' }).href;
  await expect(startCardea({ config: {}, database })).rejects.toThrow(
    /ended with 1 (.|\n)*password authentication failed/,
  );
});
