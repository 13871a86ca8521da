// Accounts: the people who sign in here, with a local password.
// It owns names, passwords and the first administrator's link; sessions belong to oauth/, grants to grants.

import type { Clock } from '../clock.ts';
import { digest, random } from '../crypto.ts';
import { Refusal } from '../errors.ts';
import type { AccountRow, AccountStore, NewAccountRow } from '../storage/accounts.ts';
import type { Work } from '../storage/commit.ts';
import { type Account, account, checkName, fold } from './accounts/account.ts';
import { hashPassword, passwordIs } from './accounts/password.ts';
import type { Audit } from './audit.ts';

export type { Account } from './accounts/account.ts';

const FIRST_ADMINISTRATOR = 'first administrator';
const INVITATION_LIFE = 24 * 3600 * 1000;

const taken = (): Refusal =>
  new Refusal('There is already an account of this name.', {
    reason: 'username_taken',
    hint: 'Choose another name.',
  });

const usedLink = (): Refusal =>
  new Refusal('This link has been used or has run out.', {
    reason: 'invitation_used',
    status: 410,
    hint: 'While there is no administrator, restarting the server prints a new link.',
  });

const unknown = (username: string): Refusal =>
  new Refusal(`There is no account called ${JSON.stringify(username)}.`, {
    reason: 'account_unknown',
    status: 404,
    hint: '`cardea account list` shows them.',
  });

export function accounts({ store, audit, clock }: { store: AccountStore; audit: Audit; clock: Clock }) {
  async function named(username: string): Promise<AccountRow> {
    const row = await store.findByUsername(fold(username));
    if (!row) throw unknown(username);
    return row;
  }

  async function add(
    work: Work,
    given: { username: string; password: string; administrator?: boolean },
  ): Promise<Account> {
    const username = checkName(given.username);
    if (await store.findByUsername(username)) throw taken();
    const row: NewAccountRow = {
      id: random(16),
      username,
      name: given.username.normalize('NFKC').trim(),
      password: await hashPassword(given.password),
      administrator: given.administrator ?? false,
      createdAt: clock(),
      disabledAt: null,
    };
    work.add({ ...store.insert(row), lost: async () => taken() });
    audit.record(work, {
      action: 'account.added',
      accountId: row.id,
      detail: { administrator: row.administrator },
    });
    return account(row);
  }

  return {
    /** Throws a Refusal when the name is taken or unfit, or the password too short. */
    add,

    /** The account, if it exists and is not disabled. */
    async find(id: string): Promise<Account | undefined> {
      const row = await store.find(id);
      return row && row.disabledAt === null ? account(row) : undefined;
    },

    /** Everybody, by name, as they are read. */
    async *list(): AsyncGenerator<Account> {
      for await (const row of store.list()) yield account(row);
    },

    /** Throws a Refusal when there is no account of this name. */
    named: async (username: string): Promise<Account> => account(await named(username)),

    /** The account, or undefined for a wrong name, a wrong password or a disabled account: all take as long. */
    async authenticate(username: string, password: string): Promise<Account | undefined> {
      const row = await store.findByUsername(fold(username));
      const right = await passwordIs(row?.password, password);
      return right && row && row.disabledAt === null ? account(row) : undefined;
    },

    /** Who signed in `at` (ms since the epoch), if they still are: the account lives, and its password is that of then. */
    async signedIn(id: string, at: number): Promise<Account | undefined> {
      const row = await store.find(id);
      // a sign-in is known to the second
      const stands = row?.disabledAt === null && at >= Math.floor((row.signInsSince ?? 0) / 1000) * 1000;
      return row && stands ? account(row) : undefined;
    },

    /** Ends every sign-in of before, for a password is often changed because somebody else knows it; connections go on. */
    async setPassword(work: Work, username: string, password: string): Promise<Account> {
      const row = await named(username);
      work.add(store.setPassword(row.id, await hashPassword(password), clock()));
      audit.record(work, { action: 'account.password_set', accountId: row.id });
      return account(row);
    },

    /** A disabled account can neither sign in nor refresh; its grants work again when it is enabled, its sign-ins do not. */
    async setDisabled(work: Work, username: string, disabled: boolean): Promise<Account> {
      const row = await named(username);
      work.add(disabled ? store.disable(row.id, clock()) : store.enable(row.id));
      audit.record(work, { action: disabled ? 'account.disabled' : 'account.enabled', accountId: row.id });
      return { ...account(row), disabled };
    },

    /** A one-time token for the first administrator, or undefined when there is one. Earlier ones stop working. */
    async inviteFirstAdministrator(work: Work): Promise<string | undefined> {
      if (await store.hasAdministrator()) return undefined;
      const token = random();
      const now = clock();
      work.add(
        store.withdrawInvitations(FIRST_ADMINISTRATOR),
        store.invite({
          digest: digest('invitation', token),
          purpose: FIRST_ADMINISTRATOR,
          createdAt: now,
          expiresAt: now + INVITATION_LIFE,
        }),
      );
      return token;
    },

    /** Throws a Refusal when the link was used or ran out. */
    async checkInvitation(token: string): Promise<void> {
      const row = await store.findInvitation(digest('invitation', token));
      if (!row || row.consumedAt !== null || row.expiresAt <= clock()) throw usedLink();
    },

    /** Makes the first administrator; of two people with one link, one is refused. */
    async acceptInvitation(
      work: Work,
      token: string,
      given: { username: string; password: string },
    ): Promise<Account> {
      await this.checkInvitation(token);
      const made = await add(work, { ...given, administrator: true });
      work.add({
        ...store.acceptInvitation(digest('invitation', token), clock()),
        lost: async () => usedLink(),
      });
      return made;
    },
  };
}

export type Accounts = ReturnType<typeof accounts>;
