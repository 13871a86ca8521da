// What is believed of a commit whose answer was lost together with the server. THREATS P16.

import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStorage, type Storage } from '../../src/storage/open.ts';
import { type Cable, cable } from '../support/cable.ts';
import { postgresServer, type TestPostgres } from '../support/databases.ts';
import { artifact } from './rows.ts';

let postgres: TestPostgres;
let line: Cable;
let storage: Storage;
beforeAll(async () => {
  postgres = await postgresServer();
  line = await cable(Number(new URL(postgres.url).port));
  const url = Object.assign(new URL(postgres.url), { port: String(line.port) }).href;
  storage = await openStorage({ kind: 'postgres', url });
}, 60_000);
afterAll(async () => {
  await storage?.close();
  await line?.close();
  await postgres?.remove();
});

async function asked<T>(task: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  return task(client).finally(() => client.end());
}
const first = async (client: pg.Client, sql: string): Promise<Record<string, unknown> | undefined> =>
  (await client.query(sql)).rows[0];

const write = async (row: ReturnType<typeof artifact>): Promise<void> => {
  const work = storage.work();
  work.add({ ...storage.artifacts.insert(row), must: true });
  await work.commit();
};

// A number is given out again only if nothing of its transaction had reached the disk.
const writeLate = () =>
  asked(async (client) => {
    await client.query(`ALTER SYSTEM SET wal_writer_delay = '10s'`);
    await client.query('SELECT pg_reload_conf()');
    await expect.poll(() => first(client, 'SHOW wal_writer_delay')).toEqual({ wal_writer_delay: '10s' });
  });

it('a commit that a crash took with it is not taken for another that got its number', async () => {
  await writeLate();
  await write(artifact());
  const row = artifact();
  line.is('keeping commit');
  const told = write(row).then(
    () => 'committed',
    (error) => error,
  );
  const lost = await asked(async (client) => {
    const running = `SELECT backend_xid::text AS id FROM pg_stat_activity WHERE state = 'idle in transaction'`;
    await expect.poll(() => first(client, running)).toBeDefined();
    return Number((await first(client, running))?.['id']);
  });
  line.is('refusing');
  await postgres.stop('immediate');
  await postgres.start();
  await asked(async (client) => {
    const next = async () => Number((await first(client, 'SELECT pg_current_xact_id()::text AS id'))?.['id']);
    while ((await next()) <= lost);
    expect(await first(client, `SELECT pg_xact_status('${lost}') AS status`)).toEqual({
      status: 'committed',
    });
  });
  line.is('whole');

  expect(await told).toMatchObject({ status: 503, reason: 'storage_unavailable' });
  expect(await storage.artifacts.find(row.key)).toBeUndefined();
  await write(row);
});
