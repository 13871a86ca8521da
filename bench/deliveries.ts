// What the vault delivers: an MCP server asks `cardea serve` for a person's token of their company (RFC 8693), which is
// opened from its seal, audited and sent each time; sealing and opening alone; and a hundred who want one that has run
// out, at two processes, with what the company was asked for it.
// `node bench/deliveries.ts [--clients 8] [--seconds 3] [--rounds 5]`

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { startCompany } from '../examples/company/provider.ts';
import { open, seal, sealingKey } from '../src/crypto.ts';
import { openStorage } from '../src/storage/open.ts';
import { type Cardea, freePort, startCardea } from '../test/support/cardea.ts';
import { person } from '../test/support/person.ts';
import { visit } from '../test/support/upstream-company.ts';
import { connect } from './client.ts';
import { CLOCK, cost } from './cpu.ts';
import { cardeaConfig } from './servers.ts';
import { median } from './table.ts';
import { ACCOUNT, RESOURCE_SERVER } from './world.ts';

const { values: options } = parseArgs({
  options: {
    clients: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
  },
});
const [clients, seconds, rounds] = [options.clients, options.seconds, options.rounds].map(Number) as [
  number,
  number,
  number,
];
const HUNDRED = 100;
const SECRET = 'a-secret-of-the-company-0001';

const dir = mkdtempSync(join(tmpdir(), 'cardea-deliveries-'));
const database = join(dir, 'bench.db');
const ports = [await freePort(), await freePort()] as const;
const issuer = `http://127.0.0.1:${ports[0]}`;
const back = `${issuer}/upstream/company/callback`;
const company = await startCompany({
  clients: [{ id: 'cardea', secret: SECRET, redirectUris: [back] }],
  accessToken: 3_600,
});
const [library] = cardeaConfig('jwt').resources;
const config = {
  ...cardeaConfig('jwt'),
  upstreams: [
    {
      ...{ name: 'company', kind: 'oidc', label: 'Acme', issuer: company.issuer, client_id: 'cardea' },
      ...{ client_secret: SECRET, vault: { scopes: ['openid', 'offline_access', 'calendar:read'] } },
    },
  ],
  resources: [
    {
      ...library,
      upstreams: [{ name: 'company', purpose: 'read your calendar', scopes: ['calendar:read'] }],
    },
  ],
};
const env = { CARDEA_ISSUER: issuer, NODE_ENV: 'production', CARDEA_LOG_LEVEL: 'warn' };
const processes: Cardea[] = [];
for (const port of ports) {
  processes.push(await startCardea({ dir, port, env, config, database: `sqlite:${database}` }));
}
await processes[0]?.addAccount(ACCOUNT.username, ACCOUNT.password);
const pid = processes[0]?.pid ?? 0;

const by = person(ACCOUNT);
const client = await connect(issuer);
const { access_token: token } = await client.exchange(await client.authorize(by));
const pools = ports.map((port) => new Pool(`http://127.0.0.1:${port}`, { connections: clients }));
const basic = Buffer.from(`${RESOURCE_SERVER.id}:${RESOURCE_SERVER.secret}`).toString('base64');
const body = new URLSearchParams({
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token: token,
  subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  audience: 'company',
}).toString();

async function delivery(to: number): Promise<Record<string, unknown>> {
  const answer = await pools[to]?.request({
    path: '/token',
    method: 'POST',
    headers: {
      host: new URL(issuer).host,
      authorization: `Basic ${basic}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body,
  });
  return (await answer?.body.json()) as Record<string, unknown>;
}

async function connected(): Promise<void> {
  const page = await by.visit(String((await delivery(0))['connect_uri']));
  const away = await by.press(page, 'go', 'on');
  await by.visit(`${back}?${await visit(new URL(String(away)), back, 'kim')}`);
}

/** Deliveries in a second, and what one costs the server, in ms. */
async function round(): Promise<{ rate: number; each: number }> {
  const [began, before] = [performance.now(), cost(pid)];
  const until = began + seconds * 1_000;
  let done = 0;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < until) {
        const { access_token: given, error } = await delivery(0);
        if (typeof given !== 'string') throw new Error(`nothing was delivered: ${error}`);
        done += 1;
      }
    }),
  );
  const took = (performance.now() - began) / 1_000;
  return { rate: done / took, each: ((cost(pid) - before) / done) * 1_000 };
}

/** Values of the length of two tokens, sealed and opened again, in a second. */
function sealed(): number {
  const ring = { current: sealingKey(randomBytes(32).toString('base64url')), previous: [] };
  const plain = randomBytes(200);
  const until = performance.now() + 1_000;
  let done = 0;
  for (; performance.now() < until; done += 1) open(ring, seal(ring.current, plain, 'a row'), 'a row');
  return done;
}

/** The company's token has run out, as far as the vault knows. */
async function runOut(): Promise<void> {
  const storage = await openStorage({ kind: 'sqlite', file: database });
  const work = storage.work();
  work.add({ sql: 'UPDATE upstream_connections SET expires_at = 1', params: [] });
  await work.commit();
  await storage.close();
}

try {
  await connected();
  const pairs = sealed();
  await round(); // warms up
  const measured = [];
  for (let n = 0; n < rounds; n += 1) measured.push(await round());
  await runOut();
  const before = company.counts()['refresh_token'] ?? 0;
  const began = performance.now();
  const all = await Promise.all(Array.from({ length: HUNDRED }, (_, n) => delivery(n % 2)));
  const took = performance.now() - began;
  const asked = (company.counts()['refresh_token'] ?? 0) - before;
  const tokens = new Set(all.map((each) => each['access_token']));
  const rate = median(measured.map((each) => each.rate));
  const each = median(measured.map((one) => one.each));
  process.stdout.write(`
deliveries from the vault    ${rate.toFixed(0)} a second, ${each.toFixed(2)} ms of ${CLOCK} time each (${clients} clients, SQLite)
sealed and opened again      ${pairs} values a second
${HUNDRED} of one that ran out      ${asked} refresh at the company, ${tokens.size} token, ${took.toFixed(0)} ms for all, two processes
`);
} finally {
  for (const pool of pools) await pool.destroy();
  for (const each of processes) await each.stop();
  await company.close();
  rmSync(dir, { recursive: true, force: true });
}
process.exit(); // the client keeps its connection
