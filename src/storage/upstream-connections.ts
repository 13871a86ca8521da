// The vault's rows: what an upstream gave a person here. They arrive sealed and leave sealed.
// Every change names the version that it was decided on; whoever comes second touches no row.

import type { Write } from './commit.ts';
import { and, desc, eq, inArray, isNull, lt, or, sql } from './drizzle.ts';
import type { Room } from './room.ts';
import { slot, slots, statement } from './statement.ts';
import { leftovers } from './upstream-leftovers.ts';

export type UpstreamConnectionRow = {
  id: string;
  accountId: string;
  upstream: string;
  kind: string;
  issuer: string;
  subject: string;
  name: string;
  sealed: Buffer | null;
  scopes: unknown;
  version: number;
  expiresAt: number | null;
  refreshingUntil: number | null;
  attempts: number;
  retryAt: number | null;
  createdAt: number;
  updatedAt: number;
  lastUsedAt: number | null;
  endedAt: number | null;
  endedBy: string | null;
};

type Renewal = Pick<
  UpstreamConnectionRow,
  'id' | 'name' | 'sealed' | 'scopes' | 'version' | 'expiresAt' | 'updatedAt'
>;

export function upstreamConnectionStore(room: Room) {
  const { db } = room;
  const { upstreamConnections: connections, grants, families } = room.tables;
  const id = { id: connections.id };
  const same = and(eq(connections.id, slot('id')), eq(connections.version, slot('version')));
  const byId = db
    .select()
    .from(connections)
    .where(eq(connections.id, slot('id')))
    .prepare('upstream_connection_by_id');
  const live = db
    .select()
    .from(connections)
    .where(
      and(
        eq(connections.accountId, slot('accountId')),
        eq(connections.upstream, slot('upstream')),
        isNull(connections.endedAt),
      ),
    )
    .prepare('upstream_connection_live');
  const livePerson = db
    .select(id)
    .from(connections)
    .where(
      and(
        eq(connections.issuer, slot('issuer')),
        eq(connections.subject, slot('subject')),
        eq(connections.upstream, slot('upstream')),
        isNull(connections.endedAt),
      ),
    )
    .limit(1)
    .prepare('upstream_connection_of_person');
  const insert = statement<UpstreamConnectionRow>(
    db
      .insert(connections)
      .values(
        slots(
          ...([
            'id',
            'accountId',
            'upstream',
            'kind',
            'issuer',
            'subject',
            'name',
            'sealed',
            'scopes',
          ] as const),
          ...(['version', 'expiresAt', 'refreshingUntil', 'attempts', 'retryAt', 'createdAt'] as const),
          ...(['updatedAt', 'lastUsedAt', 'endedAt', 'endedBy'] as const),
        ),
      )
      .onConflictDoNothing()
      .returning(id),
  );
  const renew = statement<Renewal & { next: number }>(
    db
      .update(connections)
      .set({
        ...slots('name', 'sealed', 'scopes', 'expiresAt', 'updatedAt'),
        version: slot('next'),
        refreshingUntil: null,
        attempts: 0,
        retryAt: null,
      })
      .where(and(same, isNull(connections.endedAt)))
      .returning(id),
  );
  const claim = statement<{ id: string; version: number; now: number; until: number }>(
    db
      .update(connections)
      .set({ refreshingUntil: slot('until') })
      .where(
        and(
          same,
          isNull(connections.endedAt),
          or(isNull(connections.refreshingUntil), lt(connections.refreshingUntil, slot('now'))),
        ),
      )
      .returning(id),
  );
  const release = statement<{
    id: string;
    version: number;
    until: number;
    attempts: number;
    retryAt: number;
  }>(
    db
      .update(connections)
      .set({ refreshingUntil: null, ...slots('attempts', 'retryAt') })
      .where(and(same, eq(connections.refreshingUntil, slot('until'))))
      .returning(id),
  );
  const dead = statement<{ id: string; version: number; now: number; by: string }>(
    db
      .update(connections)
      .set({ endedAt: slot('now'), endedBy: slot('by'), sealed: null, refreshingUntil: null, retryAt: null })
      .where(and(same, isNull(connections.endedAt)))
      .returning(id),
  );
  const tombstone = { endedAt: slot('now'), endedBy: slot('by'), retryAt: slot('now'), attempts: 0 };
  const end = statement<{ id: string; accountId: string; now: number; by: string }>(
    db
      .update(connections)
      .set(tombstone)
      .where(
        and(
          eq(connections.id, slot('id')),
          eq(connections.accountId, slot('accountId')),
          isNull(connections.endedAt),
        ),
      )
      .returning(id),
  );
  // Names of upstreams hold neither quotes nor % and _, so a name inside the JSON list is found by its quotes.
  const nobodyUses = sql`NOT EXISTS (SELECT 1 FROM ${grants} WHERE ${grants.accountId} = ${connections.accountId}
    AND ${grants.endedAt} IS NULL AND ${grants.expiresAt} > ${slot('now')} AND ${grants.upstreams} LIKE '%"' || ${connections.upstream} || '"%')`;
  const endUnused = statement<{ accountId: string; now: number; by: string }>(
    db
      .update(connections)
      .set(tombstone)
      .where(and(eq(connections.accountId, slot('accountId')), isNull(connections.endedAt), nobodyUses)),
  );
  const endAllUnused = statement<{ now: number; by: string }>(
    db
      .update(connections)
      .set(tombstone)
      .where(and(isNull(connections.endedAt), nobodyUses)),
  );
  const use = statement<{ id: string; grantId: string; familyId: string; now: number }>(
    db
      .update(connections)
      .set({ lastUsedAt: slot('now') })
      .where(
        and(
          eq(connections.id, slot('id')),
          isNull(connections.endedAt),
          sql`EXISTS (SELECT 1 FROM ${grants} WHERE ${grants.id} = ${slot('grantId')} AND ${grants.endedAt} IS NULL)`,
          sql`EXISTS (SELECT 1 FROM ${families} WHERE ${families.id} = ${slot('familyId')} AND ${families.endedAt} IS NULL)`,
        ),
      )
      .returning(id),
  );
  return {
    find: async (id: string): Promise<UpstreamConnectionRow | undefined> => (await byId.execute({ id }))[0],
    live: async (accountId: string, upstream: string): Promise<UpstreamConnectionRow | undefined> =>
      (await live.execute({ accountId, upstream }))[0],
    /** Whether any account holds what this upstream gave this person of it. */
    liveOfPerson: async (
      of: Pick<UpstreamConnectionRow, 'issuer' | 'subject' | 'upstream'>,
    ): Promise<boolean> =>
      (await livePerson.execute({ issuer: of.issuer, subject: of.subject, upstream: of.upstream })).length >
      0,
    /** The live ones of an account, and those ended for one of `reasons`, newest first. */
    ofAccount: async (accountId: string, reasons: string[]): Promise<UpstreamConnectionRow[]> =>
      db
        .select()
        .from(connections)
        .where(
          and(
            eq(connections.accountId, accountId),
            or(isNull(connections.endedAt), inArray(connections.endedBy, reasons)),
          ),
        )
        .orderBy(desc(connections.createdAt)),
    /** Loses when there is a live one already. */
    insert: (row: UpstreamConnectionRow): Write => ({ ...insert(row), must: true }),
    /** New tokens under the next version. Loses when it has ended, or is not at `version` any more. */
    renew: (row: Renewal): Write => ({ ...renew({ ...row, next: row.version + 1 }), must: true }),
    /** The right to ask the upstream, until `until`. Loses to whoever has it, and when there is a newer version. */
    claim: (id: string, version: number, now: number, until: number): Write => ({
      ...claim({ id, version, now, until }),
      must: true,
    }),
    /** Gives back the claim that runs until `until`: the upstream was asked in vain. */
    release: (given: {
      id: string;
      version: number;
      until: number;
      attempts: number;
      retryAt: number;
    }): Write => release(given),
    /** The upstream ended it; nothing is left to tell it. Loses when it has ended, or has newer tokens. */
    dead: (id: string, version: number, by: string, now: number): Write => ({
      ...dead({ id, version, by, now }),
      must: true,
    }),
    /** Loses when it has ended, or is not that account's. */
    end: (id: string, accountId: string, by: string, now: number): Write => ({
      ...end({ id, accountId, by, now }),
      must: true,
    }),
    /** Ends what no live grant of the account names any more. */
    endUnused: (accountId: string, by: string, now: number): Write => endUnused({ accountId, by, now }),
    /** The same of every account: where a grant ran out, nobody was there to say so. */
    endAllUnused: (by: string, now: number): Write => endAllUnused({ by, now }),
    /** Loses when it, the grant or the family has ended: then nothing may be handed out. */
    use: (given: { id: string; grantId: string; familyId: string; now: number }): Write => ({
      ...use(given),
      must: true,
    }),
    ...leftovers(room),
  };
}

export type UpstreamConnectionStore = ReturnType<typeof upstreamConnectionStore>;
