// One database as two processes have it.

import { afterAll, beforeAll } from 'vitest';
import { openStorage, type Storage } from '../../src/storage/open.ts';
import type { TestDatabase } from './databases.ts';

/** Two storages on the database that is made, for the tests of the `describe` that this is called in. */
export function twice(make: () => Promise<TestDatabase>): { one: Storage; other: Storage } {
  let database: TestDatabase;
  const two = {} as { one: Storage; other: Storage };
  beforeAll(async () => {
    database = await make();
    two.one = await openStorage(database.location);
    two.other = await openStorage(database.location);
  });
  afterAll(async () => {
    await Promise.all([two.one?.close(), two.other?.close()]);
    await database?.remove();
  });
  return two;
}
