// The audit record: who let which client do what, and what was refused, in words an administrator can search.
// It never fails a request by itself and never holds a secret. Every other room records through it.

import type { Clock } from '../clock.ts';
import type { AuditStore } from '../storage/audit.ts';
import type { Work } from '../storage/commit.ts';

/** The pending writes of a request, as the floors above see them. */
export type { Work };

export type AuditEvent = {
  /** `noun.verb`, stable: `grant.allowed`, `family.ended`, `account.signed_in`. */
  action: string;
  outcome?: 'done' | 'refused';
  /** Stable reason code, when refused or ended. */
  reason?: string | undefined;
  accountId?: string | undefined;
  clientId?: string | undefined;
  resource?: string | undefined;
  grantId?: string | undefined;
  familyId?: string | undefined;
  traceId?: string | undefined;
  detail?: Record<string, unknown> | undefined;
};

export function audit({ store, clock }: { store: AuditStore; clock: Clock }) {
  return {
    /** Joins the request's commit, and is written even when the request is refused. */
    record(work: Work, event: AuditEvent): void {
      work.keep(
        store.append({
          at: clock(),
          action: event.action,
          outcome: event.outcome ?? 'done',
          reason: event.reason ?? null,
          accountId: event.accountId ?? null,
          clientId: event.clientId ?? null,
          resource: event.resource ?? null,
          grantId: event.grantId ?? null,
          familyId: event.familyId ?? null,
          traceId: event.traceId ?? null,
          detail: event.detail ?? null,
        }),
      );
    },
    latest: (limit: number) => store.latest(limit),
    byTrace: (traceId: string) => store.byTrace(traceId),
  };
}

export type Audit = ReturnType<typeof audit>;
