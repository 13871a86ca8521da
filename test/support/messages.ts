// What goes to PostgreSQL while something is done. Called by the tests of what a request costs there.

import pg from 'pg';
import { vi } from 'vitest';
import { textsOf } from './asked.ts';

/** The statements of each message of this process, in their order; not of those by which a connection is made. */
export async function messages(task: () => Promise<unknown>): Promise<string[][]> {
  const asked = vi.spyOn(pg.Client.prototype, 'query');
  try {
    await task();
    return asked.mock.calls
      .map(([message]) => textsOf(message))
      .filter(([first = '']) => !first.includes('pg_backend_pid'));
  } finally {
    asked.mockRestore();
  }
}
