// Grants: one live row per account × client × resource, ended by a tombstone.

import type { Write } from './commit.ts';
import { and, count, desc, eq, inArray, isNull, max, sql } from './drizzle.ts';
import { paged } from './pages.ts';
import type { Room } from './room.ts';
import { joinSlot, slot, slots, statement } from './statement.ts';

export type GrantRow = {
  id: string;
  accountId: string;
  clientId: string;
  clientName: string;
  clientIdentity: string;
  resource: string;
  scopes: unknown;
  tools: unknown;
  upstreams: unknown;
  version: number;
  createdAt: number;
  updatedAt: number;
  expiresAt: number;
  endedAt: number | null;
  endedBy: string | null;
};

const BATCH = 1_000;

type Revision = Pick<
  GrantRow,
  | 'id'
  | 'clientName'
  | 'clientIdentity'
  | 'scopes'
  | 'tools'
  | 'upstreams'
  | 'version'
  | 'updatedAt'
  | 'expiresAt'
>;

export function grantStore({ db, tables: { accounts, grants, families, familyGrants } }: Room) {
  const byId = db
    .select()
    .from(grants)
    .where(eq(grants.id, slot('id')))
    .prepare('grant_by_id');
  const live = db
    .select()
    .from(grants)
    .where(
      and(
        eq(grants.accountId, slot('accountId')),
        eq(grants.clientId, slot('clientId')),
        isNull(grants.endedAt),
      ),
    )
    .prepare('grants_of_client');
  const insert = statement<GrantRow>(
    db
      .insert(grants)
      .values(
        slots(
          'id',
          'accountId',
          'clientId',
          'clientName',
          'clientIdentity',
          'resource',
          'scopes',
          'tools',
          'upstreams',
          'version',
          'createdAt',
          'updatedAt',
          'expiresAt',
          'endedAt',
          'endedBy',
        ),
      )
      .onConflictDoNothing()
      .returning({ id: grants.id }),
  );
  const revise = statement<Revision & { previous: number }>(
    db
      .update(grants)
      .set(
        slots(
          'clientName',
          'clientIdentity',
          'scopes',
          'tools',
          'upstreams',
          'version',
          'updatedAt',
          'expiresAt',
        ),
      )
      .where(and(eq(grants.id, slot('id')), eq(grants.version, slot('previous')), isNull(grants.endedAt)))
      .returning({ id: grants.id }),
  );
  const tombstone = { endedAt: slot('now'), endedBy: slot('by') };
  const end = statement<{ id: string; now: number; by: string }>(
    db
      .update(grants)
      .set(tombstone)
      .where(and(eq(grants.id, slot('id')), isNull(grants.endedAt)))
      .returning({ id: grants.id }),
  );
  const endOfAccount = statement<{ accountId: string; now: number; by: string }>(
    db
      .update(grants)
      .set(tombstone)
      .where(and(eq(grants.accountId, slot('accountId')), isNull(grants.endedAt))),
  );
  const endOfResource = statement<{ resource: string; now: number; by: string }>(
    db
      .update(grants)
      .set(tombstone)
      .where(and(eq(grants.resource, slot('resource')), isNull(grants.endedAt))),
  );
  const endSomeOfResource = statement<{ resource: string; now: number; by: string }>(
    db
      .update(grants)
      .set(tombstone)
      .where(
        inArray(
          grants.id,
          db
            .select({ id: grants.id })
            .from(grants)
            .where(and(eq(grants.resource, slot('resource')), isNull(grants.endedAt)))
            .limit(BATCH),
        ),
      )
      .returning({ id: grants.id }),
  );
  const usage = {
    lastUsedAt: max(families.lastUsedAt),
    accessUntil: max(families.accessUntil),
    // one whose code was never redeemed is nobody's
    installations: count(families.accessUntil),
  };
  const connections = () =>
    db
      .select({ grant: grants, ...usage })
      .from(grants)
      .leftJoin(familyGrants, eq(familyGrants.grantId, grants.id))
      .leftJoin(families, and(eq(families.id, familyGrants.familyId), isNull(families.endedAt)));
  const ofAccount = connections()
    .where(and(isNull(grants.endedAt), eq(grants.accountId, joinSlot('accountId'))))
    .groupBy(grants.id)
    .orderBy(desc(grants.createdAt))
    .prepare('connections_of_account');
  const one = connections()
    .where(eq(grants.id, joinSlot('id')))
    .groupBy(grants.id)
    .prepare('connection_by_id');

  return {
    find: async (id: string): Promise<GrantRow | undefined> => (await byId.execute({ id }))[0],
    /** The live grants of one account for one client, one per resource. */
    live: async (accountId: string, clientId: string): Promise<GrantRow[]> =>
      live.execute({ accountId, clientId }),
    /** Live grants of an account with their use, newest first. */
    connections: async (accountId: string) => ofAccount.execute({ accountId }),
    /** Every live grant with its use and whose it is, newest first. */
    standing: () =>
      paged(async (after: StandingRow | undefined, limit) => {
        const { createdAt, id } = after?.grant ?? {};
        const page = db
          .select({ id: grants.id })
          .from(grants)
          .where(and(isNull(grants.endedAt), after && sql`(created_at, id) < (${createdAt}, ${id})`))
          .orderBy(desc(grants.createdAt), desc(grants.id))
          .limit(limit);
        return db
          .select({ grant: grants, username: accounts.username, ...usage })
          .from(grants)
          .leftJoin(accounts, eq(accounts.id, grants.accountId))
          .leftJoin(familyGrants, eq(familyGrants.grantId, grants.id))
          .leftJoin(families, and(eq(families.id, familyGrants.familyId), isNull(families.endedAt)))
          .where(inArray(grants.id, page))
          .groupBy(grants.id, accounts.id)
          .orderBy(desc(grants.createdAt), desc(grants.id));
      }),
    /** One grant with its use, ended or not. */
    connection: async (id: string) => (await one.execute({ id }))[0],
    /** Loses when there is a live one already. */
    insert: (row: GrantRow): Write => ({ ...insert(row), must: true }),
    /** Loses when it was ended or revised meanwhile: `version` must follow the one that was read. */
    revise: (row: Revision): Write => ({ ...revise({ ...row, previous: row.version - 1 }), must: true }),
    /** Loses when it has ended already. */
    end: (id: string, by: string, now: number): Write => ({ ...end({ id, by, now }), must: true }),
    endAllOfAccount: (accountId: string, by: string, now: number): Write =>
      endOfAccount({ accountId, by, now }),
    /** Ends a thousand of them; loses when there is none. */
    endSomeOfResource: (resource: string, by: string, now: number): Write => ({
      ...endSomeOfResource({ resource, by, now }),
      must: true,
    }),
    endAllOfResource: (resource: string, by: string, now: number): Write =>
      endOfResource({ resource, by, now }),
  };
}

export type GrantStore = ReturnType<typeof grantStore>;
export type StandingRow = ConnectionRow & { username: string | null };
export type ConnectionRow = Awaited<ReturnType<GrantStore['connections']>>[number];
