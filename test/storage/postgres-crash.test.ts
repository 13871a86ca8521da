// What becomes of a commit whose answer was lost together with the server. THREATS P16.

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

it('a commit is known by what it wrote, also when the server crashed before it could say so', async () => {
  const row = artifact();
  line.is('keeping answer');
  const work = storage.work();
  work.add({ ...storage.artifacts.insert(row), must: true });
  const told = work.commit();
  const direct = new pg.Client({ connectionString: postgres.url });
  await direct.connect();
  const there = async () =>
    (await direct.query('SELECT FROM artifacts WHERE key = $1', [row.key])).rows.length;
  await expect.poll(there).toBe(1);
  await direct.end();
  await postgres.stop('immediate');
  await postgres.start();
  line.is('whole');
  line.cut();

  await told; // sent again it would have lost to itself
  expect(await storage.artifacts.find(row.key)).toEqual(row);
});
