// One database as two processes have it.

import { openStorage } from '../../src/storage/open.ts';
import type { TestDatabase } from '../support/databases.ts';

/** Two storages on the database that is made; `close()` removes it. */
export async function openTwice(make: () => Promise<TestDatabase>) {
  const database = await make();
  const one = await openStorage(database.location);
  const other = await openStorage(database.location);
  return {
    one,
    other,
    async close(): Promise<void> {
      await Promise.all([one.close(), other.close()]);
      await database.remove();
    },
  };
}
