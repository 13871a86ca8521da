// Removes what has run out, in small batches, and nothing that proves a reuse:
// a consumed code or refresh token stays until it would have expired anyway.

import { auditIdAt } from './audit.ts';
import { and, eq, inArray, isNotNull, isNull, lt } from './drizzle.ts';
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
  return {
    /**
     * Rows removed; call again while it is not 0. Times in ms since the epoch.
     * Of clients, only those that registered themselves before `unusedBefore` and never got a token: one that did
     * keeps its id for ever, because clients replay theirs for ever.
     */
    async expired(now: number, auditBefore: number, unusedBefore: number): Promise<number> {
      const old = auditIdAt(Math.max(0, auditBefore));
      const removed = await Promise.all([
        db
          .delete(artifacts)
          .where(
            inArray(
              artifacts.key,
              db
                .select({ key: artifacts.key })
                .from(artifacts)
                .where(and(isNotNull(artifacts.expiresAt), lt(artifacts.expiresAt, now)))
                .limit(BATCH),
            ),
          )
          .returning({ key: artifacts.key }),
        db
          .delete(revokedTokens)
          .where(
            inArray(
              revokedTokens.jti,
              db
                .select({ jti: revokedTokens.jti })
                .from(revokedTokens)
                .where(lt(revokedTokens.expiresAt, now))
                .limit(BATCH),
            ),
          )
          .returning({ key: revokedTokens.jti }),
        db
          .delete(audit)
          .where(
            and(
              lt(audit.id, old),
              inArray(
                audit.id,
                db.select({ id: audit.id }).from(audit).where(lt(audit.id, old)).limit(BATCH),
              ),
            ),
          )
          .returning({ key: audit.id }),
        db
          .delete(clients)
          .where(
            inArray(
              clients.id,
              db
                .select({ id: clients.id })
                .from(clients)
                .where(
                  and(
                    eq(clients.origin, 'registered'),
                    isNull(clients.lastUsedAt),
                    isNull(clients.disabledAt), // an id that says what it stands for would come back to life
                    lt(clients.createdAt, unusedBefore),
                  ),
                )
                .limit(BATCH),
            ),
          )
          .returning({ key: clients.id }),
        db
          .delete(invitations)
          .where(
            inArray(
              invitations.digest,
              db
                .select({ digest: invitations.digest })
                .from(invitations)
                .where(lt(invitations.expiresAt, now))
                .limit(BATCH),
            ),
          )
          .returning({ key: invitations.digest }),
        db
          .delete(upstreamTransactions)
          .where(
            inArray(
              upstreamTransactions.state,
              db
                .select({ state: upstreamTransactions.state })
                .from(upstreamTransactions)
                .where(lt(upstreamTransactions.expiresAt, now))
                .limit(BATCH),
            ),
          )
          .returning({ key: upstreamTransactions.state }),
        db
          .delete(upstreamConnections)
          .where(
            inArray(
              upstreamConnections.id,
              db
                .select({ id: upstreamConnections.id })
                .from(upstreamConnections)
                .where(
                  and(isNull(upstreamConnections.sealed), lt(upstreamConnections.endedAt, now - TOLD_FOR)),
                )
                .limit(BATCH),
            ),
          )
          .returning({ key: upstreamConnections.id }),
        db
          .delete(connectLinks)
          .where(
            inArray(
              connectLinks.digest,
              db
                .select({ digest: connectLinks.digest })
                .from(connectLinks)
                .where(lt(connectLinks.expiresAt, now))
                .limit(BATCH),
            ),
          )
          .returning({ key: connectLinks.digest }),
      ]);
      return removed.reduce((total, rows) => total + rows.length, 0);
    },
  };
}

export type SweepStore = ReturnType<typeof sweepStore>;
