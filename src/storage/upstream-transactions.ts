// Trips to an upstream and back. Each step of one is a conditional write, so that however often the way back is
// opened, it is taken once.

import type { Write } from './commit.ts';
import { and, eq, gt, isNotNull, isNull } from './drizzle.ts';
import { once } from './once.ts';
import type { Room } from './room.ts';
import { slot, slots, statement } from './statement.ts';

export type TripRow = {
  state: string;
  upstream: string;
  purpose: string;
  browser: string;
  body: string;
  accountId: string | null;
  expiresAt: number;
  consumedAt: number | null;
  finishedAt: number | null;
};

export function upstreamTransactionStore({ db, tables: { upstreamTransactions: trips } }: Room) {
  const byState = db
    .select()
    .from(trips)
    .where(eq(trips.state, slot('state')))
    .prepare('upstream_transaction_by_state');
  const insert = statement<Omit<TripRow, 'consumedAt' | 'finishedAt'>>(
    db
      .insert(trips)
      .values(slots('state', 'upstream', 'purpose', 'browser', 'body', 'accountId', 'expiresAt')),
  );
  const signedIn = statement<{ state: string; accountId: string }>(
    db
      .update(trips)
      .set({ accountId: slot('accountId') })
      .where(
        and(
          eq(trips.state, slot('state')),
          isNotNull(trips.consumedAt),
          isNull(trips.accountId),
          isNull(trips.finishedAt),
        ),
      )
      .returning({ state: trips.state }),
  );
  const finish = statement<{ state: string; now: number }>(
    db
      .update(trips)
      .set({ finishedAt: slot('now') })
      .where(
        and(
          eq(trips.state, slot('state')),
          isNotNull(trips.consumedAt),
          isNotNull(trips.accountId),
          isNull(trips.finishedAt),
          gt(trips.expiresAt, slot('now')),
        ),
      )
      .returning({ state: trips.state }),
  );

  return {
    find: async (state: string): Promise<TripRow | undefined> => (await byState.execute({ state }))[0],
    insert: (row: Omit<TripRow, 'consumedAt' | 'finishedAt'>): Write => insert(row),
    /** Loses when somebody came back with it before, or it ran out. */
    consume: once(db, trips, trips.state),
    /** Writes down who signed in. Loses when that has been said before. */
    signedIn: (state: string, accountId: string): Write => ({
      ...signedIn({ state, accountId }),
      must: true,
    }),
    /** Loses when nobody signed in with it, it was used before, or it ran out. */
    finish: (state: string, now: number): Write => ({ ...finish({ state, now }), must: true }),
  };
}

export type UpstreamTransactionStore = ReturnType<typeof upstreamTransactionStore>;
