// Removes what has run out, in small batches, and nothing that proves a reuse:
// a consumed code or refresh token stays until it would have expired anyway.

import type { SQL } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { auditIdAt } from './audit.ts';
import { and, eq, inArray, isNull, lt } from './drizzle.ts';
import type { Room } from './room.ts';

const BATCH = 500;
// A person is told for so long that an upstream ended a connection of theirs, in ms.
const TOLD_FOR = 30 * 86_400_000;

export function sweepStore({
  db,
  tables: {
    artifacts,
    revokedTokens,
    audit,
    invitations,
    clients,
    upstreamTransactions,
    connectLinks,
    upstreamConnections,
  },
}: Room) {
  // The condition stands twice: a row that is changed between the look and the removal stays.
  const removeSome = (table: PgTable, key: PgColumn, over: SQL | undefined) =>
    db
      .delete(table)
      .where(and(over, inArray(key, db.select({ key }).from(table).where(over).limit(BATCH))))
      .returning({ key });

  return {
    /**
     * Rows removed; call again while it is not 0. Times in ms since the epoch.
     * Of clients, only those that registered themselves before `unusedBefore` and never got a token: one that did
     * keeps its id for ever, because clients replay theirs for ever.
     */
    async expired(now: number, auditBefore: number, unusedBefore: number): Promise<number> {
      const removed = await Promise.all([
        removeSome(artifacts, artifacts.key, lt(artifacts.expiresAt, now)),
        removeSome(revokedTokens, revokedTokens.jti, lt(revokedTokens.expiresAt, now)),
        removeSome(audit, audit.id, lt(audit.id, auditIdAt(Math.max(0, auditBefore)))),
        removeSome(
          clients,
          clients.id,
          and(
            eq(clients.origin, 'registered'),
            isNull(clients.lastUsedAt),
            isNull(clients.disabledAt), // an id that says what it stands for would come back to life
            lt(clients.createdAt, unusedBefore),
          ),
        ),
        removeSome(invitations, invitations.digest, lt(invitations.expiresAt, now)),
        removeSome(upstreamTransactions, upstreamTransactions.state, lt(upstreamTransactions.expiresAt, now)),
        removeSome(
          upstreamConnections,
          upstreamConnections.id,
          and(isNull(upstreamConnections.sealed), lt(upstreamConnections.endedAt, now - TOLD_FOR)),
        ),
        removeSome(connectLinks, connectLinks.digest, lt(connectLinks.expiresAt, now)),
      ]);
      return removed.reduce((total, rows) => total + rows.length, 0);
    },
  };
}

export type SweepStore = ReturnType<typeof sweepStore>;
