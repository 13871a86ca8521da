// What is good once, and for a while: an invitation, a link, a trip. One statement decides who was first.

import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { Write } from './commit.ts';
import { and, eq, gt, isNull } from './drizzle.ts';
import type { Database } from './room.ts';
import { slot, statement } from './statement.ts';

type Once = PgTable & { consumedAt: PgColumn; expiresAt: PgColumn };

/** Marks the row with this key as used. Loses when it was used before, or has run out; `now` in ms since the epoch. */
export function once(db: Database, table: Once, key: PgColumn): (key: string, now: number) => Write {
  const consume = statement<{ key: string; now: number }>(
    db
      .update(table)
      .set({ consumedAt: slot('now') })
      .where(and(eq(key, slot('key')), isNull(table.consumedAt), gt(table.expiresAt, slot('now'))))
      .returning({ key }),
  );
  return (key, now) => ({ ...consume({ key, now }), must: true });
}
