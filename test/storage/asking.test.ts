// Lookups of one turn, which go to PostgreSQL together.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStorage, type Storage } from '../../src/storage/open.ts';
import { type Cable, cable } from '../support/cable.ts';
import { postgresServer, type TestDatabase } from '../support/databases.ts';
import { messages } from '../support/messages.ts';
import { artifact } from './rows.ts';

let database: TestDatabase;
let line: Cable;
let storage: Storage;
const rows = Array.from({ length: 5 }, () => artifact());
const [row = artifact()] = rows;

beforeAll(async () => {
  database = await postgresServer();
  line = await cable(Number(new URL(database.url).port));
  const url = Object.assign(new URL(database.url), { port: String(line.port) }).href;
  storage = await openStorage({ kind: 'postgres', url });
  const work = storage.work();
  work.add(...rows.map((each) => storage.artifacts.insert(each)));
  await work.commit();
  await storage.artifacts.find(row.key); // the first time it is asked by itself
}, 60_000);
afterAll(async () => {
  await storage?.close();
  await line?.close();
  await database?.remove();
});

const all = () => Promise.all(rows.map(({ key }) => storage.artifacts.find(key)));

it('what many ask in one turn is one message, and everyone gets their own answer', async () => {
  const sent = await messages(async () => {
    expect(await all()).toEqual(rows);
  });
  expect(sent.map((statements) => statements.length)).toEqual([5]);
  expect(await storage.artifacts.find('nobody has this')).toBeUndefined();
});

it('a question that cannot be answered leaves the others theirs', async () => {
  const impossible = storage.artifacts.find('a\0b');
  const [refused, found] = await Promise.allSettled([impossible, storage.artifacts.find(row.key)]);
  expect(refused).toMatchObject({ status: 'rejected', reason: { cause: { code: '22021' } } });
  expect(found).toEqual({ status: 'fulfilled', value: row });
});

it('a connection that breaks under a question is not felt', async () => {
  for (let round = 0; round < 5; round += 1) {
    await all();
    line.cut();
    expect(await all()).toEqual(rows);
  }
});

it('a database that is not there is an error for everybody who asks', async () => {
  line.is('refusing');
  line.cut();
  for (const { status } of await Promise.allSettled(rows.map(({ key }) => storage.artifacts.find(key))))
    expect(status).toBe('rejected');
  line.is('whole');
  expect(await all()).toEqual(rows);
});
