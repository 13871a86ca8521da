// Connections that have ended here and of which their upstream has not been told yet. Their tokens are kept, sealed, until
// it has. Part of upstream-connections.ts.

import type { Write } from './commit.ts';
import { and, eq, isNotNull, isNull, lt, or } from './drizzle.ts';
import type { Room } from './room.ts';
import { slot, slots, statement } from './statement.ts';

type Row = Room['tables']['upstreamConnections']['$inferSelect'];

export function leftovers({ db, tables: { upstreamConnections: connections } }: Room) {
  const id = { id: connections.id };
  const same = and(eq(connections.id, slot('id')), eq(connections.version, slot('version')));
  const leftover = and(isNotNull(connections.endedAt), isNotNull(connections.sealed));
  const attempt = statement<{
    id: string;
    version: number;
    attempts: number;
    before: number;
    retryAt: number;
  }>(
    db
      .update(connections)
      .set(slots('attempts', 'retryAt'))
      .where(and(same, leftover, eq(connections.attempts, slot('before'))))
      .returning(id),
  );
  const inherit = statement<{ id: string; version: number; sealed: Buffer; next: number; now: number }>(
    db
      .update(connections)
      .set({ sealed: slot('sealed'), version: slot('next'), refreshingUntil: null, retryAt: slot('now') })
      .where(and(same, isNotNull(connections.endedAt)))
      .returning(id),
  );
  const forget = statement<{ id: string; version: number }>(
    db.update(connections).set({ sealed: null, retryAt: null }).where(and(same, leftover)).returning(id),
  );

  return {
    /** Ended ones whose upstream has not been told. */
    toRevoke: async (now: number, limit: number): Promise<Row[]> =>
      db
        .select()
        .from(connections)
        .where(
          and(
            leftover,
            lt(connections.retryAt, now + 1),
            or(isNull(connections.refreshingUntil), lt(connections.refreshingUntil, now)),
          ),
        )
        .limit(limit),
    /** Loses to another process that does it. */
    attempt: (row: Row, retryAt: number): Write => ({
      ...attempt({
        id: row.id,
        version: row.version,
        before: row.attempts,
        attempts: row.attempts + 1,
        retryAt,
      }),
      must: true,
    }),
    /** Tokens that arrived after the end: kept to be revoked. */
    inherit: (id: string, version: number, sealed: Buffer, now: number): Write => ({
      ...inherit({ id, version, sealed, next: version + 1, now }),
      must: true,
    }),
    /** The upstream has been told, or cannot be. */
    forget: (id: string, version: number): Write => forget({ id, version }),
  };
}
