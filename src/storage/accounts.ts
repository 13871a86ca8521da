// Accounts, and the one-time links by which the first of them is made.

import type { Write } from './commit.ts';
import { and, eq, gt, isNull, sql } from './drizzle.ts';
import { once } from './once.ts';
import { paged } from './pages.ts';
import type { Room } from './room.ts';
import { slot, slots, statement } from './statement.ts';

export type AccountRow = {
  id: string;
  username: string;
  name: string;
  password: string | null;
  administrator: boolean;
  createdAt: number;
  disabledAt: number | null;
  /** Sign-ins of before do not count any more. */
  signInsSince: number | null;
};

/** One whose sign-ins all count. */
export type NewAccountRow = Omit<AccountRow, 'signInsSince'>;

export function accountStore({ db, tables: { accounts, invitations } }: Room) {
  const byId = db
    .select()
    .from(accounts)
    .where(eq(accounts.id, slot('id')))
    .prepare('account_by_id');
  const byUsername = db
    .select()
    .from(accounts)
    .where(eq(accounts.username, slot('username')))
    .prepare('account_by_username');
  const insert = statement<NewAccountRow>(
    db
      .insert(accounts)
      .values(slots('id', 'username', 'name', 'password', 'administrator', 'createdAt', 'disabledAt'))
      .onConflictDoNothing()
      .returning({ id: accounts.id }),
  );
  const password = statement<{ id: string; password: string; signInsSince: number }>(
    db
      .update(accounts)
      .set(slots('password', 'signInsSince'))
      .where(eq(accounts.id, slot('id')))
      .returning({ id: accounts.id }),
  );
  const disable = statement<{ id: string; now: number }>(
    db
      .update(accounts)
      .set({ disabledAt: slot('now'), signInsSince: slot('now') })
      .where(eq(accounts.id, slot('id')))
      .returning({ id: accounts.id }),
  );
  const enable = statement<{ id: string }>(
    db
      .update(accounts)
      .set({ disabledAt: null })
      .where(eq(accounts.id, slot('id')))
      .returning({ id: accounts.id }),
  );
  const invite = statement<{ digest: string; purpose: string; createdAt: number; expiresAt: number }>(
    db.insert(invitations).values(slots('digest', 'purpose', 'createdAt', 'expiresAt')),
  );
  const forget = statement<{ purpose: string }>(
    db
      .delete(invitations)
      .where(and(eq(invitations.purpose, slot('purpose')), isNull(invitations.consumedAt))),
  );
  const invitation = db
    .select()
    .from(invitations)
    .where(eq(invitations.digest, slot('digest')))
    .prepare('invitation_by_digest');

  return {
    find: async (id: string): Promise<AccountRow | undefined> => (await byId.execute({ id }))[0],
    findByUsername: async (username: string): Promise<AccountRow | undefined> =>
      (await byUsername.execute({ username }))[0],
    /** By name. */
    list: (): AsyncGenerator<AccountRow> =>
      paged(async (after: AccountRow | undefined, limit) =>
        db
          .select()
          .from(accounts)
          .where(after && gt(accounts.username, after.username))
          .orderBy(accounts.username)
          .limit(limit),
      ),
    async hasAdministrator(): Promise<boolean> {
      const found = await db
        .select({ id: accounts.id })
        .from(accounts)
        .where(sql`administrator AND ${accounts.disabledAt} IS NULL`) // as the index has it
        .limit(1);
      return found.length > 0;
    },
    /** Loses when the username is taken. */
    insert: (row: NewAccountRow): Write => ({ ...insert(row), must: true }),
    /** These lose when there is no such account. The first two end its sign-ins. */
    setPassword: (id: string, hash: string, now: number): Write => ({
      ...password({ id, password: hash, signInsSince: now }),
      must: true,
    }),
    disable: (id: string, now: number): Write => ({ ...disable({ id, now }), must: true }),
    enable: (id: string): Write => ({ ...enable({ id }), must: true }),

    invite: (row: { digest: string; purpose: string; createdAt: number; expiresAt: number }): Write =>
      invite(row),
    /** Takes back every link of this purpose that has not been used. */
    withdrawInvitations: (purpose: string): Write => forget({ purpose }),
    findInvitation: async (digest: string) => (await invitation.execute({ digest }))[0],
    /** Loses when the link was used or ran out. */
    acceptInvitation: once(db, invitations, invitations.digest),
  };
}

export type AccountStore = ReturnType<typeof accountStore>;
