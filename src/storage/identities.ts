// Identities: which account a person at an upstream is. The key is (issuer, subject), and there is no other.

import type { Write } from './commit.ts';
import { and, eq, getTableColumns, inArray, isNull, lt, sql } from './drizzle.ts';
import type { Room } from './room.ts';
import { slot, slots, statement } from './statement.ts';

export type IdentityRow = {
  issuer: string;
  subject: string;
  accountId: string;
  upstream: string;
  name: string | null;
  username: string | null;
  email: string | null;
  domain: string | null;
  groups: unknown;
  groupsIncomplete: boolean;
  groupsAt: number;
  createdAt: number;
  lastUsedAt: number;
};

/** What a sign-in or a refresh at the upstream tells anew. */
export type IdentitySeen = Omit<IdentityRow, 'createdAt'>;

type Key = Pick<IdentityRow, 'issuer' | 'subject' | 'accountId'>;

const SEEN = [
  'upstream',
  'name',
  'username',
  'email',
  'domain',
  'groups',
  'groupsIncomplete',
  'groupsAt',
  'lastUsedAt',
] as const;

export function identityStore({
  db,
  tables: { identities, accounts, upstreamConnections: connections },
}: Room) {
  const byKey = db
    .select()
    .from(identities)
    .where(and(eq(identities.issuer, slot('issuer')), eq(identities.subject, slot('subject'))))
    .prepare('identity_by_key');
  const byAccount = db
    .select()
    .from(identities)
    .where(eq(identities.accountId, slot('accountId')))
    .orderBy(identities.createdAt, identities.issuer, identities.subject)
    .prepare('identities_by_account');
  const insert = statement<IdentityRow>(
    db
      .insert(identities)
      .values(slots('issuer', 'subject', 'accountId', 'createdAt', ...SEEN))
      .onConflictDoNothing()
      .returning({ subject: identities.subject }),
  );
  const owned = and(
    eq(identities.issuer, slot('issuer')),
    eq(identities.subject, slot('subject')),
    eq(identities.accountId, slot('accountId')),
  );
  const seen = statement<IdentitySeen>(
    db
      .update(identities)
      .set(slots(...SEEN))
      .where(owned)
      .returning({ subject: identities.subject }),
  );
  const asOf = and(owned, eq(identities.groupsAt, slot('groupsAt')));
  const asked = statement<Key & { groupsAt: number; now: number }>(
    db
      .update(identities)
      .set({ groupsAt: slot('now') })
      .where(asOf)
      .returning({ subject: identities.subject }),
  );
  const regroup = statement<Key & Pick<IdentityRow, 'groupsAt' | 'groups' | 'groupsIncomplete'>>(
    db
      .update(identities)
      .set(slots('groups', 'groupsIncomplete'))
      .where(asOf)
      .returning({ subject: identities.subject }),
  );
  const remove = statement<Key>(
    db.delete(identities).where(owned).returning({ subject: identities.subject }),
  );

  // Whoever changes the ways into an account stands in line here: PostgreSQL would let two of them go at once.
  const inLine = statement<{ accountId: string }>(
    db
      .update(accounts)
      .set({ username: sql`${accounts.username}` })
      .where(eq(accounts.id, slot('accountId')))
      .returning({ id: accounts.id }),
  );

  return {
    find: async (issuer: string, subject: string): Promise<IdentityRow | undefined> =>
      (await byKey.execute({ issuer, subject }))[0],
    ofAccount: async (accountId: string): Promise<IdentityRow[]> => byAccount.execute({ accountId }),
    /** Loses when this person already belongs to an account, whichever. */
    insert: (row: IdentityRow): Write => ({ ...insert(row), must: true }),
    /** Loses when it is not this account's any more. */
    seen: (row: IdentitySeen): Write => ({ ...seen(row), must: true }),
    /**
     * Removes it unless that leaves no way into the account: another identity at one of `upstreams`, or, where
     * passwords count, a password. The last one loses when there is none, or it is not this account's.
     */
    removeUnlessLast(
      key: Key,
      { upstreams, passwords }: { upstreams: readonly string[]; passwords: boolean },
    ): [Write, Write] {
      const { issuer, subject, accountId } = key;
      const names = sql.join(
        [...upstreams, ''].map((name) => sql`${name}`),
        sql`, `,
      );
      const another = sql`EXISTS (SELECT 1 FROM identities other WHERE other.account_id = ${accountId}
        AND NOT (other.issuer = ${issuer} AND other.subject = ${subject}) AND other.upstream IN (${names}))`;
      const password = sql`EXISTS (SELECT 1 FROM accounts a WHERE a.id = ${accountId} AND a.password IS NOT NULL)`;
      const unlessLast = statement<typeof key>(
        db
          .delete(identities)
          .where(and(owned, passwords ? sql`(${another} OR ${password})` : another))
          .returning({ subject: identities.subject }),
      );
      return [inLine({ accountId }), { ...unlessLast(key), must: true }];
    },
    /** Those at `upstreams` whose groups are as of before `before`, and of whom a live connection is kept there. */
    dueForGroups: async (
      upstreams: readonly string[],
      before: number,
      limit: number,
    ): Promise<IdentityRow[]> =>
      db
        .select(getTableColumns(identities))
        .from(identities)
        .innerJoin(
          connections,
          and(
            eq(connections.accountId, identities.accountId),
            eq(connections.upstream, identities.upstream),
            eq(connections.issuer, identities.issuer),
            eq(connections.subject, identities.subject),
            isNull(connections.endedAt),
          ),
        )
        .where(and(inArray(identities.upstream, [...upstreams]), lt(identities.groupsAt, before)))
        .limit(limit),
    /** Its groups are asked for now. Loses to another process that asks, and to a sign-in. */
    asked: ({ issuer, subject, accountId, groupsAt }: IdentityRow, now: number): Write => ({
      ...asked({ issuer, subject, accountId, groupsAt, now }),
      must: true,
    }),
    /** What came of having asked at `askedAt`. Loses to a sign-in since. */
    regroup: (row: IdentityRow, askedAt: number): Write => {
      const { issuer, subject, accountId, groups, groupsIncomplete } = row;
      const write = regroup({ issuer, subject, accountId, groups, groupsIncomplete, groupsAt: askedAt });
      return { ...write, must: true };
    },
    /** Loses when it is not this account's. */
    remove: (issuer: string, subject: string, accountId: string): Write => ({
      ...remove({ issuer, subject, accountId }),
      must: true,
    }),
  };
}

export type IdentityStore = ReturnType<typeof identityStore>;
