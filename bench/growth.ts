// Whether a request costs more when there is more: the same requests of a server with a thousand live grants and of
// one with a million, in turn, on each database.
// `node bench/growth.ts [--small 1000] [--large 1000000] [--rounds 300] [--database SQLite|PostgreSQL]`

import { parseArgs } from 'node:util';
import { openStorage } from '../src/storage/open.ts';
import { type Remote, remote } from '../test/faults/remote.ts';
import { beside } from '../test/support/beside.ts';
import { databases, type TestDatabase } from '../test/support/databases.ts';
import { authorize, connect, introspect } from '../test/support/flow.ts';
import { median, table } from './table.ts';

const { values: options } = parseArgs({
  options: {
    small: { type: 'string', default: '1000' },
    large: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '300' },
    database: { type: 'string' },
  },
});
const SIZES = [Number(options.small), Number(options.large)];
const BATCH = 100_000;

/** A grant, its client, its family and two generations of its refresh token for each of `from` … `to`. */
function rowsFor(dialect: 'sqlite' | 'postgres', from: number, to: number): string[] {
  const [numbers, id] =
    dialect === 'postgres'
      ? [`generate_series(${from}, ${to}) AS t(n)`, (kind: string) => `md5('${kind}' || n)`]
      : [
          `(WITH RECURSIVE t(n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM t WHERE n < ${to}) SELECT n FROM t) AS t`,
          // spread over the index as digests are
          (kind: string) => `'${kind}' || printf('%08x', (n * 2654435761) & 4294967295) || n`,
        ];
  const account = `'account' || (n / 10)`;
  const until = 4_000_000_000_000;
  return [
    `INSERT INTO accounts (id, username, name, administrator, created_at)
       SELECT ${account}, ${account}, 'A', FALSE, n FROM ${numbers} WHERE n % 10 = 0`,
    `INSERT INTO clients (id, origin, name, metadata, created_at, last_used_at)
       SELECT ${id('c')}, 'registered', 'C', '{}', n, n FROM ${numbers}`,
    `INSERT INTO grants (id, account_id, client_id, client_name, client_identity, resource, scopes, tools, upstreams,
       version, created_at, updated_at, expires_at)
       SELECT ${id('g')}, ${account}, ${id('c')}, 'C', 'i', 'https://r.example/', '["s"]', '{}', '[]', 1, n, n, ${until}
       FROM ${numbers}`,
    `INSERT INTO families (id, account_id, client_id, created_at, last_used_at, access_until)
       SELECT ${id('f')}, ${account}, ${id('c')}, n, n, ${until} FROM ${numbers}`,
    `INSERT INTO family_grants (family_id, grant_id) SELECT ${id('f')}, ${id('g')} FROM ${numbers}`,
    ...['r', 's'].map(
      (generation) => `INSERT INTO artifacts (key, model, payload, family_id, expires_at, consumed_at)
       SELECT ${id(generation)}, 'RefreshToken', '{"accountId":"a","clientId":"c","scope":"library:read library:write"}',
       ${id('f')}, ${until}, ${generation === 'r' ? 'n' : 'NULL'} FROM ${numbers}`,
    ),
  ];
}

async function filled(make: () => Promise<TestDatabase>, size: number): Promise<TestDatabase> {
  const database = await make();
  await (await openStorage(database.location)).close();
  const eyes = await beside(database.url);
  for (let from = 0; from < size; from += BATCH) {
    const sqls = rowsFor(eyes.dialect, from, Math.min(from + BATCH, size) - 1);
    for (const sql of sqls) await eyes.all(sql);
  }
  if (eyes.dialect === 'postgres') await eyes.all('VACUUM ANALYZE');
  await eyes.close();
  return database;
}

/** One after the other, so that what is measured is the request and not the queue. */
async function requests(server: Remote) {
  const alex = server.alex();
  const { client, tokens, refresh } = await connect(server, { by: alex });
  let { refresh_token: token, access_token: access } = tokens;
  let redeem: Awaited<ReturnType<typeof authorize>>['redeemWith'];
  return {
    authorize: async () => {
      ({ redeemWith: redeem } = await authorize(server, { by: alex, client }));
    },
    redeem: async () => {
      const { status, body } = await redeem();
      if (status !== 200) throw new Error(JSON.stringify(body));
      await server.post('/revoke', { token: body.refresh_token, client_id: client.client_id });
    },
    refresh: async () => {
      const { status, body } = await refresh(token);
      if (status !== 200) throw new Error(JSON.stringify(body));
      ({ refresh_token: token, access_token: access } = body);
    },
    introspect: async () => {
      if (!(await introspect(server, access)).active) throw new Error('not active');
    },
    connections: async () => void (await alex.visit(`${server.issuer}/connections`)),
  };
}

type Request = keyof Awaited<ReturnType<typeof requests>>;

for (const [name, make] of databases) {
  if (options.database !== undefined && options.database !== name) continue;
  const made: TestDatabase[] = [];
  for (const size of SIZES) made.push(await filled(make, size));
  const servers = await Promise.all(made.map(({ url }) => remote({ database: url })));
  const all = await Promise.all(servers.map(requests));
  const times = new Map<Request, number[][]>();
  for (let round = 0; round < Number(options.rounds); round += 1) {
    for (const request of Object.keys(all[0] ?? {}) as Request[]) {
      const measured = times.get(request) ?? SIZES.map((): number[] => []);
      times.set(request, measured);
      // whoever is first pays for a cold cache, so they take turns
      for (const at of round % 2 ? [0, 1] : [1, 0]) {
        const begun = performance.now();
        await all[at]?.[request]();
        if (round >= 20) measured[at]?.push(performance.now() - begun);
      }
    }
  }
  const rows = [...times].map(([request, [small = [], large = []]]) => {
    const [few, many] = [median(small), median(large)];
    return [request, few.toFixed(2), many.toFixed(2), (many / few).toFixed(2)];
  });
  const head = [`${name}, ms`, ...SIZES.map((size) => `${size.toLocaleString('en')} grants`), 'ratio'];
  console.log(`${table([head, ...rows])}\n`);
  for (const server of servers) await server.cardea.stop();
  for (const database of made) await database.remove();
}
