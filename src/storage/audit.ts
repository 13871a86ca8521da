// The record of who let whom do what, and of what was refused: appended, read by time, swept when old.

import { random } from '../crypto.ts';
import type { Write } from './commit.ts';
import { desc, eq } from './drizzle.ts';
import type { Room } from './room.ts';
import { slot, slots, statement } from './statement.ts';

export type AuditRow = {
  id: string;
  at: number;
  action: string;
  outcome: string;
  reason: string | null;
  accountId: string | null;
  clientId: string | null;
  resource: string | null;
  grantId: string | null;
  familyId: string | null;
  traceId: string | null;
  detail: unknown;
};

/** What ids of this moment (ms since the epoch) begin with. They sort by time, so that nothing else need be sorted. */
export const auditIdAt = (at: number): string => at.toString(36).padStart(9, '0');

export function auditStore({ db, tables: { audit } }: Room) {
  const insert = statement<AuditRow>(
    db
      .insert(audit)
      .values(
        slots(
          'id',
          'at',
          'action',
          'outcome',
          'reason',
          'accountId',
          'clientId',
          'resource',
          'grantId',
          'familyId',
          'traceId',
          'detail',
        ),
      ),
  );
  const byId = statement<{ id: string }>(
    db
      .select({ id: audit.id })
      .from(audit)
      .where(eq(audit.id, slot('id'))),
  );
  return {
    append(row: Omit<AuditRow, 'id'>): Write {
      const id = `${auditIdAt(row.at)}${random(9)}`;
      return { ...insert({ ...row, id }), evidence: byId({ id }) };
    },
    /** Newest first. */
    latest: async (limit: number): Promise<AuditRow[]> =>
      db.select().from(audit).orderBy(desc(audit.id)).limit(limit),
    byTrace: async (traceId: string): Promise<AuditRow[]> =>
      db.select().from(audit).where(eq(audit.traceId, traceId)).orderBy(audit.id),
  };
}

export type AuditStore = ReturnType<typeof auditStore>;
