// Identities: which account somebody at an upstream is, made on their first sign-in, and the ways into an account that
// a person links and unlinks. (issuer, subject) is the only key: no address and no name ever joins two accounts,
// because whoever may choose those would choose somebody else's.

import type { Clock } from '../../clock.ts';
import type { OAuthUpstream } from '../../config.ts';
import { digest, random } from '../../crypto.ts';
import { Refusal } from '../../errors.ts';
import type { AccountStore, NewAccountRow } from '../../storage/accounts.ts';
import type { Work } from '../../storage/commit.ts';
import type { IdentityRow, IdentitySeen, IdentityStore } from '../../storage/identities.ts';
import type { Audit, AuditEvent } from '../audit.ts';
import { admits, type Known, notAdmitted } from '../policy.ts';
import type { UpstreamPerson } from '../upstream/connector.ts';
import { type Account, account, checkName } from './account.ts';

/** One way into an account. */
export type Identity = {
  /** Names it in a form: nothing that has to be guessed or hidden. */
  id: string;
  upstream: string;
  issuer: string;
  name: string | null;
  username: string | null;
  email: string | null;
  groups: string[];
  lastUsedAt: number;
};

export type Arrival = { upstream: OAuthUpstream; person: UpstreamPerson };

type Event = Pick<AuditEvent, 'clientId' | 'resource' | 'traceId'>;

const identityId = (row: Pick<IdentityRow, 'issuer' | 'subject'>): string =>
  digest('identity', `${row.issuer}\0${row.subject}`);

const identity = (row: IdentityRow): Identity => ({
  id: identityId(row),
  upstream: row.upstream,
  issuer: row.issuer,
  name: row.name,
  username: row.username,
  email: row.email,
  groups: row.groups as string[],
  lastUsedAt: row.lastUsedAt,
});

const disabled = (): Refusal =>
  new Refusal('This account has been disabled.', {
    reason: 'account_disabled',
    status: 403,
    oauth: 'access_denied',
    hint: 'Ask whoever runs this server.',
  });

const unlinked = (): Refusal =>
  new Refusal('This way of signing in was removed at the same moment.', {
    reason: 'identity_unlinked',
    status: 409,
    hint: 'Try again.',
  });

const somebodyElses = (label: string): Refusal =>
  new Refusal(`This ${label} account already belongs to another account here.`, {
    reason: 'identity_taken',
    status: 409,
    hint: 'Sign in with it, and remove it there first.',
  });

const lastWayIn = (): Refusal =>
  new Refusal('This is the only way into your account, so it stays.', {
    reason: 'last_way_in',
    status: 409,
    hint: 'Add another way to sign in first.',
  });

const unknown = (): Refusal =>
  new Refusal('This is not, or no longer, a way into your account.', {
    reason: 'identity_unknown',
    status: 404,
  });

const ATTEMPTS = 3;
const LONGEST = 120;
const cut = (text: string | undefined): string | null =>
  text?.toWellFormed().replaceAll('\0', '').slice(0, LONGEST) ?? null;

/** What is kept of somebody; an address only if the upstream has made sure of it. */
function seen({ upstream, person }: Arrival, accountId: string, now: number): IdentitySeen {
  return {
    issuer: person.issuer,
    subject: person.subject,
    accountId,
    upstream: upstream.name,
    name: cut(person.name),
    username: cut(person.username),
    email: person.emailVerified === true ? (person.email ?? null) : null,
    domain: person.domain ?? null,
    groups: person.groups,
    groupsIncomplete: person.groupsIncomplete ?? false,
    groupsAt: now,
    lastUsedAt: now,
  };
}

/** A name for commands and lists; the upstream's is part of it, so that nobody chooses another account's name there. */
function usernameFor({ upstream, person }: Arrival, attempt: number): string {
  const said = person.username ?? person.email ?? person.name ?? '';
  const bare = (said.split('@')[0] ?? '').replace(/[\p{C}\p{Z}]+/gu, '-').slice(0, 24);
  return checkName(`${bare || 'somebody'}${attempt === 0 ? '' : `-${random(4)}`}@${upstream.name}`);
}

export function identities({
  store,
  accounts,
  audit,
  clock,
  work: begin,
}: {
  store: IdentityStore;
  accounts: AccountStore;
  audit: Audit;
  clock: Clock;
  work: () => Work;
}) {
  /** In a commit of its own; undefined when another request made an account of this person or name first. */
  async function firstSignIn(arrival: Arrival, attempt: number, event: Event): Promise<Account | undefined> {
    const { person, upstream } = arrival;
    const now = clock();
    const row: NewAccountRow = {
      id: random(16),
      username: usernameFor(arrival, attempt),
      name: cut(person.name ?? person.username) ?? upstream.label,
      password: null,
      administrator: false,
      createdAt: now,
      disabledAt: null,
    };
    const work = begin();
    const lost = async (): Promise<Refusal> => {
      work.abandon();
      return unlinked();
    };
    work.add({ ...accounts.insert(row), lost });
    work.add({ ...store.insert({ ...seen(arrival, row.id, now), createdAt: now }), lost });
    audit.record(work, {
      action: 'account.added',
      accountId: row.id,
      ...event,
      detail: { upstream: upstream.name },
    });
    try {
      await work.commit();
      return account(row);
    } catch (error) {
      if (error instanceof Refusal && error.reason === 'identity_unlinked') return undefined;
      throw error;
    }
  }

  function refuse(work: Work, refusal: Refusal, upstream: OAuthUpstream, event: AuditEvent): Refusal {
    const detail = { ...event.detail, upstream: upstream.name };
    audit.record(work, { ...event, outcome: 'refused', reason: refusal.reason, detail });
    return refusal;
  }

  return {
    /**
     * The account of whoever came back from an upstream: theirs, or a new one. What the upstream says of them is
     * written down, also when that keeps them out. Throws a Refusal `not_admitted` or `account_disabled` (403).
     */
    async signIn(work: Work, arrival: Arrival, event: Event = {}): Promise<Account> {
      const { upstream, person } = arrival;
      const known = seen(arrival, '', clock());
      const refused = { action: 'account.sign_in_refused', ...event };
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const row = await store.find(person.issuer, person.subject);
        if (!admits(upstream, known as Known)) {
          if (row) {
            work.keep({ ...store.seen({ ...known, accountId: row.accountId }), lost: async () => 'go on' });
          }
          const denied = { ...refused, accountId: row?.accountId, detail: { rule: upstream.allow } };
          throw refuse(work, notAdmitted(upstream, known as Known), upstream, denied);
        }
        const theirs = row ? await accounts.find(row.accountId) : undefined;
        if (theirs) {
          if (theirs.disabledAt !== null)
            throw refuse(work, disabled(), upstream, { ...refused, accountId: theirs.id });
          work.add({
            ...store.seen({ ...known, accountId: theirs.id }),
            lost: async () => {
              work.refuse();
              return unlinked();
            },
          });
          return account(theirs);
        }
        const made = await firstSignIn(arrival, attempt, event);
        if (made) return made;
      }
      throw unlinked();
    },

    /** Another way into an account. Throws a Refusal when it is somebody else's, or not let in. */
    async link(work: Work, accountId: string, arrival: Arrival, event: Event = {}): Promise<void> {
      const { upstream, person } = arrival;
      const now = clock();
      const known = seen(arrival, accountId, now);
      const refused = { action: 'identity.link_refused', accountId, ...event };
      const taken = (): Refusal => refuse(work, somebodyElses(upstream.label), upstream, refused);
      if (!admits(upstream, known as Known))
        throw refuse(work, notAdmitted(upstream, known as Known), upstream, refused);
      const row = await store.find(person.issuer, person.subject);
      if (row && row.accountId !== accountId) throw taken();
      const lost = async () => {
        work.abandon();
        return taken();
      };
      if (row) {
        work.add({ ...store.seen(known), lost });
        return;
      }
      work.add({ ...store.insert({ ...known, createdAt: now }), lost });
      audit.record(work, {
        action: 'identity.linked',
        accountId,
        ...event,
        detail: { upstream: upstream.name },
      });
    },

    /**
     * Takes a way into an account away. `upstreams` are those that people can sign in with, `passwords` whether a
     * password is a way in. Throws a Refusal `last_way_in` (409), also when two are taken away at the same moment.
     */
    async unlink(
      work: Work,
      accountId: string,
      id: string,
      { upstreams, passwords }: { upstreams: readonly OAuthUpstream[]; passwords: boolean },
      event: Event = {},
    ): Promise<Identity> {
      const rows = await store.ofAccount(accountId);
      const row = rows.find((each) => identityId(each) === id);
      if (!row) throw unknown();
      const open = (each: IdentityRow): boolean =>
        upstreams.some((upstream) => upstream.name === each.upstream && admits(upstream, each as Known));
      const password = passwords && (await accounts.find(accountId))?.password != null;
      if (!password && !rows.some((each) => each !== row && open(each))) throw lastWayIn();
      const names = [...new Set(rows.filter(open).map((each) => each.upstream))];
      const [inLine, remove] = store.removeUnlessLast(row, { upstreams: names, passwords });
      const lost = async (): Promise<Refusal> => {
        work.abandon();
        return lastWayIn();
      };
      work.add(inLine, { ...remove, lost });
      audit.record(work, {
        action: 'identity.unlinked',
        accountId,
        ...event,
        detail: { upstream: row.upstream },
      });
      return identity(row);
    },

    /** The ways into an account, the oldest first. */
    ofAccount: async (accountId: string): Promise<Identity[]> =>
      (await store.ofAccount(accountId)).map(identity),
  };
}

export type Identities = ReturnType<typeof identities>;
