// Grants: the decision that an account lets a client use these tools of this resource, since, until, version n.
// A family is one installation's tokens under it. Both are ended by a tombstone; whatever hangs from them asks here.

import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock.ts';
import { random } from '../crypto.ts';
import type { Refusal } from '../errors.ts';
import type { Work } from '../storage/commit.ts';
import type { FamilyStanding, FamilyStore, FamilyWithGrants } from '../storage/families.ts';
import type { GrantRow, GrantStore } from '../storage/grants.ts';
import type { Audit, AuditEvent } from './audit.ts';
import type { Allowed } from './consent/sheet.ts';
import { changed, ended, gone } from './grants/refusals.ts';
import { type Connection, connection, type Grant, grant } from './grants/rows.ts';

import type { Vault } from './vault.ts';

export type { Connection, Grant } from './grants/rows.ts';

/** A live family and the live grants it may use, by resource. */
export type Family = {
  id: string;
  accountId: string;
  clientId: string;
  lastUsedAt: number | null;
  grants: Grant[];
};

/** What a token stands on: its family, and what is kept of its client, which is nothing for one without a row. */
export type Behind = { family: Family; client: Record<string, unknown> | undefined };

/** What was allowed of one resource. */
export type Decision = Allowed & {
  resource: string;
  /** Whose credentials its server may be given; none where it does not say. */
  upstreams?: string[];
};

type Deciding = {
  accountId: string;
  client: { id: string; name: string; identity: string };
  traceId?: string;
};

export type Ended = { clientName: string; accessUntil: number | null };

/** What lost its race did not happen, so that nothing about it may stand in the record. */
function overtaken(work: Work, refusal: Refusal): Refusal {
  work.abandon();
  return refusal;
}

/** The scopes of `asked` that this grant allows today. */
export const allowedScopes = (grant: Grant, asked: Iterable<string>): string[] =>
  [...asked].filter((scope) => grant.scopes.includes(scope));

export function grants({
  store,
  families,
  audit,
  clock,
  vault,
  lifetime,
}: {
  store: GrantStore;
  families: FamilyStore;
  audit: Audit;
  clock: Clock;
  vault: Pick<Vault, 'endUnused'>;
  /** Seconds that a decision holds unless renewed. */
  lifetime: number;
}) {
  const live = async (accountId: string, clientId: string): Promise<Grant[]> => {
    const now = clock();
    return (await store.live(accountId, clientId)).map(grant).filter((each) => each.expiresAt > now);
  };

  function begin(work: Work, accountId: string, clientId: string, grantIds: readonly string[]): string {
    const id = random(16);
    const row = { accountId, clientId, lastUsedAt: null, accessUntil: null, endedAt: null, endedBy: null };
    work.add(families.insert({ id, ...row, createdAt: clock() }));
    for (const grantId of grantIds) work.add(families.link(id, grantId));
    return id;
  }

  function decide(
    work: Work,
    { accountId, client, traceId }: Deciding,
    { resource, scopes, tools, upstreams = [] }: Decision,
    before: GrantRow | undefined,
  ): string {
    const now = clock();
    const terms = {
      clientName: client.name,
      clientIdentity: client.identity,
      scopes,
      tools,
      upstreams,
      updatedAt: now,
      expiresAt: now + lifetime * 1000,
    };
    const id = before?.id ?? random(16);
    const version = (before?.version ?? 0) + 1;
    const made = { accountId, clientId: client.id, resource, createdAt: now, endedAt: null, endedBy: null };
    work.add({
      ...(before
        ? store.revise({ id, version, ...terms })
        : store.insert({ id, version, ...terms, ...made })),
      async lost() {
        // two windows with the same answer are one answer
        const there = before && (await store.find(id));
        const same =
          there?.endedAt === null &&
          isDeepStrictEqual([there.scopes, there.tools, there.upstreams], [scopes, tools, upstreams]);
        return same ? 'go on' : overtaken(work, changed());
      },
    });
    audit.record(work, {
      action: 'grant.allowed',
      accountId,
      clientId: client.id,
      resource,
      grantId: id,
      traceId,
      detail: { version, scopes, tools, ...(upstreams.length > 0 && { upstreams }) },
    });
    return id;
  }

  function alive(found: FamilyWithGrants | undefined): Family | undefined {
    if (!found) return undefined;
    const { family, disabledAt, grants: rows } = found;
    if (family.endedAt !== null || disabledAt !== null) return undefined;
    const now = clock();
    const standing = rows.map(grant).filter((each) => each.endedAt === null && each.expiresAt > now);
    if (standing.length === 0) return undefined;
    const { id, accountId, clientId, lastUsedAt } = family;
    return { id, accountId, clientId, lastUsedAt, grants: standing };
  }

  /** Undefined unless the family is live, its client is not disabled, and the token was not revoked alone. */
  function behind(found: FamilyStanding | undefined): Behind | undefined {
    const family = found?.revoked ? undefined : alive(found);
    if (!family || !found || (found.client && found.client.disabledAt !== null)) return undefined;
    return { family, client: found.client?.metadata as Record<string, unknown> | undefined };
  }

  return {
    /** The live grants of this account for this client. */
    live,

    /**
     * Writes the decisions down, each as a new grant or a new version of the live one, and begins one family under
     * all of them. Returns the family's id. Commits with the request; loses when somebody else changed one meanwhile.
     */
    async allow(work: Work, given: Deciding & { decisions: readonly Decision[] }): Promise<string> {
      const rows = await store.live(given.accountId, given.client.id);
      const ids = given.decisions.map((each) =>
        decide(
          work,
          given,
          each,
          rows.find((row) => row.resource === each.resource),
        ),
      );
      return begin(work, given.accountId, given.client.id, ids);
    },

    /** A live grant of this account. */
    async find(id: string, accountId: string): Promise<Grant | undefined> {
      const row = await store.find(id);
      const live = row && row.accountId === accountId && row.endedAt === null && row.expiresAt > clock();
      return live ? grant(row) : undefined;
    },

    /** The server of this grant may be given what the account has at one more upstream. Throws when it has ended. */
    async allowUpstream(
      work: Work,
      given: { id: string; accountId: string; upstream: string; traceId: string },
    ): Promise<void> {
      const { id, accountId, upstream, traceId } = given;
      const row = await store.find(id);
      if (!row || row.accountId !== accountId || row.endedAt !== null) throw gone();
      const before = row.upstreams as string[];
      if (before.includes(upstream)) return;
      const version = row.version + 1;
      const revised = { ...row, upstreams: [...before, upstream], version, updatedAt: clock() };
      work.add({ ...store.revise(revised), lost: async () => overtaken(work, changed()) });
      const { clientId, resource } = row;
      const about = { accountId, clientId, resource, grantId: id, traceId };
      audit.record(work, { action: 'grant.upstream_allowed', ...about, detail: { version, upstream } });
    },

    /** Begins another family under grants that stand, for a client that was remembered. */
    begin: (work: Work, standing: readonly Grant[]): string | undefined => {
      const first = standing[0];
      return (
        first &&
        begin(
          work,
          first.accountId,
          first.clientId,
          standing.map((each) => each.id),
        )
      );
    },

    /** The family, if it, its account and at least one of its grants are live. */
    family: async (id: string): Promise<Family | undefined> => alive(await families.find(id)),
    /** The same of one that was found with what hangs from it. */
    familyOf: alive,

    /** What stands behind a token of this `jti` and family: undefined where nothing does any more. */
    behind: async (familyId: string, jti: string): Promise<Behind | undefined> =>
      behind(await families.standing(familyId, jti)),
    /** The same of a token that was found with what it hangs from. */
    behindOf: behind,

    /** Tokens were issued. Loses, and so issues nothing, when the family was ended meanwhile. */
    use(work: Work, familyId: string, accessUntil: number): void {
      work.add({ ...families.use(familyId, clock(), accessUntil), lost: async () => ended() });
    },

    touch: (work: Work, familyId: string): void => work.add(families.touch(familyId, clock())),

    /** Ends one installation's tokens, also when the request itself is refused. */
    endFamily(
      work: Work,
      familyId: string,
      by: string,
      event: Pick<AuditEvent, 'accountId' | 'clientId' | 'traceId' | 'detail'> = {},
    ): void {
      work.keep(families.end(familyId, by, clock()));
      audit.record(work, { action: 'family.ended', reason: by, familyId, ...event });
    },

    /** A single JWT, revoked before it runs out (ms since the epoch). */
    revokeToken: (work: Work, jti: string, expiresAt: number): void =>
      work.keep(families.revokeToken(jti, expiresAt)),
    isRevoked: families.isRevoked,

    /** Live connections of an account with their use, newest first. */
    connections: async (accountId: string): Promise<Connection[]> =>
      (await store.connections(accountId)).map(connection),

    /** Every live connection, newest first, as they are read; `username` is null where the account is gone. */
    async *standing(): AsyncGenerator<Connection & { username: string | null }> {
      for await (const row of store.standing()) yield { ...connection(row), username: row.username };
    },

    /** Ends a grant; with `accountId`, only if it is that account's. Says when its last token runs out. */
    async end(work: Work, id: string, by: string, accountId?: string): Promise<Ended> {
      const row = await store.connection(id);
      if (
        !row ||
        row.grant.endedAt !== null ||
        (accountId !== undefined && row.grant.accountId !== accountId)
      ) {
        throw gone();
      }
      const ended = connection(row);
      work.add({ ...store.end(id, by, clock()), lost: async () => overtaken(work, gone()) });
      vault.endUnused(work, ended.accountId);
      audit.record(work, {
        action: 'grant.ended',
        reason: by,
        accountId: ended.accountId,
        clientId: ended.clientId,
        resource: ended.resource,
        grantId: id,
      });
      return { clientName: ended.clientName, accessUntil: ended.accessUntil };
    },

    /** Ends everything that an account has allowed. */
    async endAll(
      work: Work,
      accountId: string,
      by: string,
    ): Promise<{ count: number; accessUntil: number | null }> {
      const standing = (await store.connections(accountId)).map(connection);
      work.add(store.endAllOfAccount(accountId, by, clock()));
      vault.endUnused(work, accountId);
      audit.record(work, {
        action: 'grant.all_ended',
        reason: by,
        accountId,
        detail: { count: standing.length },
      });
      const until = standing.map((each) => each.accessUntil ?? 0);
      return { count: standing.length, accessUntil: until.length > 0 ? Math.max(...until) || null : null };
    },
  };
}

export type Grants = ReturnType<typeof grants>;
