// The vault: what upstreams gave a person here, and the keys that they pasted; sealed, one live row per account and
// upstream. It gives a short-lived access token to whoever asks rightly and never a refresh token; whether somebody
// asks rightly is decided by its caller, oauth/grants/token-exchange. It does not speak to upstreams: connectors do.

import type { Clock } from '../clock.ts';
import { type KeyRing, random } from '../crypto.ts';
import { Refusal } from '../errors.ts';
import type { Work } from '../storage/commit.ts';
import type { UpstreamConnectionRow, UpstreamConnectionStore } from '../storage/upstream-connections.ts';
import type { Audit } from './audit.ts';
import type { Connector, UpstreamPerson, UpstreamTokens } from './upstream/connector.ts';
import { fitting } from './vault/fitting.ts';
import { refreshing } from './vault/refreshing.ts';
import { gone, later, notConnected, overtaken } from './vault/refusals.ts';
import { revoking } from './vault/revoking.ts';
import { sealTokens } from './vault/sealing.ts';

/** Reasons for which a connection ended without the person having wanted it: they are shown it, to connect again. */
const ENDED_BY_ITSELF = ['revoked_upstream', 'refresh_lost'];

export type UpstreamConnection = {
  id: string;
  upstream: string;
  kind: 'oauth' | 'key';
  /** Whose it is there, as the upstream calls them. */
  name: string;
  scopes: string[];
  createdAt: number;
  lastUsedAt: number | null;
  /** Live, or why it has to be connected again. */
  ended?: string;
};

export type Delivered = {
  connectionId: string;
  accessToken: string;
  tokenType: string;
  /** What the token can do, as far as it is known. */
  scopes: string[];
  /** Ms since the epoch; null when the upstream does not say. */
  expiresAt: number | null;
};

const shown = (row: UpstreamConnectionRow): UpstreamConnection => ({
  id: row.id,
  upstream: row.upstream,
  kind: row.kind as UpstreamConnection['kind'],
  name: row.name,
  scopes: row.scopes as string[],
  createdAt: row.createdAt,
  lastUsedAt: row.lastUsedAt,
  ...(row.endedBy !== null && { ended: row.endedBy }),
});

/** A row that is new. */
const unused = (now: number) => ({
  id: random(16),
  version: 1,
  refreshingUntil: null,
  attempts: 0,
  retryAt: null,
  createdAt: now,
  lastUsedAt: null,
  endedAt: null,
  endedBy: null,
});

export function vault({
  store,
  audit,
  clock,
  ring,
  connector,
  work,
}: {
  store: UpstreamConnectionStore;
  audit: Audit;
  clock: Clock;
  ring: KeyRing;
  /** How to speak to the upstream of this name; undefined for one that only has keys, or has left the configuration. */
  connector: (upstream: string) => Connector | undefined;
  /** For what is committed apart from any request: claims, refreshed tokens, what an upstream was told. */
  work: () => Work;
}) {
  const { tokenFor, ask } = fitting({ clock, ring, tokens: refreshing({ store, audit, clock, ring, work }) });
  const revocations = revoking({ store, audit, clock, ring, connector, work });

  function record(work: Work, action: string, row: UpstreamConnectionRow, reason?: string): void {
    const { accountId, upstream, id } = row;
    audit.record(work, {
      action,
      accountId,
      ...(reason && { reason }),
      detail: { upstream, connection: id },
    });
  }

  /** The same person again renews the row; somebody else there takes its place. */
  async function put(
    work: Work,
    given: Pick<UpstreamConnectionRow, 'accountId' | 'upstream' | 'kind' | 'issuer' | 'subject' | 'name'>,
    kept: UpstreamTokens,
  ): Promise<void> {
    const now = clock();
    const terms = { scopes: kept.scopes, expiresAt: kept.expiresAt, updatedAt: now };
    const lost = async () => overtaken();
    const before = await store.live(given.accountId, given.upstream);
    if (before && before.issuer === given.issuer && before.subject === given.subject) {
      const row = { ...before, ...terms, name: given.name };
      const sealed = sealTokens(ring, kept, { ...row, version: row.version + 1 });
      work.add({ ...store.renew({ ...row, sealed }), lost });
      return record(work, 'upstream.connected', row, 'again');
    }
    if (before) {
      work.add({ ...store.end(before.id, before.accountId, 'replaced', now), lost });
      record(work, 'upstream.connection_ended', before, 'replaced');
    }
    const row = { ...unused(now), ...given, ...terms };
    const sealed = sealTokens(ring, kept, row);
    work.add({ ...store.insert({ ...row, sealed }), lost });
    record(work, 'upstream.connected', { ...row, sealed });
  }

  return {
    /** Keeps what an upstream gave this account. `name` is how the person is called there. */
    connect: (
      work: Work,
      given: { accountId: string; upstream: string; person: UpstreamPerson; tokens: UpstreamTokens },
    ): Promise<void> => {
      const { issuer, subject, username, email, name } = given.person;
      const who = { issuer, subject, name: username ?? email ?? name ?? subject };
      const { accountId, upstream } = given;
      return put(work, { accountId, upstream, kind: 'oauth', ...who }, given.tokens);
    },

    /** What an upstream gave and nobody may keep: in a commit of its own, so that the upstream is told. */
    async giveBack(given: {
      accountId: string;
      upstream: string;
      person: UpstreamPerson;
      tokens: UpstreamTokens;
    }): Promise<void> {
      const { accountId, upstream, person, tokens } = given;
      const now = clock();
      const { issuer, subject } = person;
      const row = {
        ...unused(now),
        ...{ accountId, upstream, kind: 'oauth', issuer, subject, name: subject },
        ...{ scopes: tokens.scopes, expiresAt: tokens.expiresAt, updatedAt: now, retryAt: now },
        ...{ endedAt: now, endedBy: 'not_kept' },
      };
      const alone = work();
      alone.add(store.insert({ ...row, sealed: sealTokens(ring, tokens, row) }));
      record(alone, 'upstream.connection_ended', { ...row, sealed: null }, 'not_kept');
      await alone.commit();
    },

    /** Keeps a key that the person pasted, for an upstream that knows nothing else. */
    async connectKey(work: Work, given: { accountId: string; upstream: string; key: string }): Promise<void> {
      const key = given.key.trim();
      if (!/^[\x21-\x7e]{8,4096}$/.test(key)) {
        throw new Refusal('A key has 8 to 4096 visible characters and no spaces.', {
          reason: 'upstream_key_form',
          status: 422,
        });
      }
      const who = { issuer: '', subject: '', name: `…${key.slice(-4)}` };
      const kept = { accessToken: key, expiresAt: null, scopes: [], tokenType: 'Bearer' };
      await put(work, { accountId: given.accountId, upstream: given.upstream, kind: 'key', ...who }, kept);
    },

    /**
     * A token of this account at this upstream for `scopes`, refreshed when it must be. Its use is written with the
     * caller's commit, which loses when connection, grant or family has ended meanwhile. Throws a Refusal:
     * `connect_required` (400) when only the person can help, `temporarily_unavailable` (503) when time can.
     */
    async deliver(
      work: Work,
      asked: {
        accountId: string;
        upstream: string;
        scopes: readonly string[];
        /** A token that can do more may be given where the upstream has no smaller one. */
        whole: boolean;
        grantId: string;
        familyId: string;
      },
    ): Promise<Delivered> {
      const { upstream, grantId, familyId } = asked;
      const found = await store.live(asked.accountId, upstream);
      if (!found) throw notConnected(upstream);
      const given = await tokenFor(found, connector(upstream), asked);
      const used = { id: found.id, grantId, familyId, now: clock() };
      work.add({
        ...store.use(used),
        lost: async () => later('upstream_ended', `The use of ${upstream} has ended at this very moment.`),
      });
      const { accessToken, tokenType, expiresAt } = given;
      return { connectionId: found.id, accessToken, tokenType, expiresAt, scopes: given.scopes };
    },

    /**
     * What `question` learns of an upstream with this account's token; undefined where none is kept.
     * Throws a Refusal as `deliver` does, or as `question` does.
     */
    async ask<T>(
      accountId: string,
      upstream: string,
      question: (connector: Connector, tokens: UpstreamTokens) => Promise<T>,
    ): Promise<T | undefined> {
      const row = await store.live(accountId, upstream);
      const speaker = connector(upstream);
      return row?.kind === 'oauth' && speaker ? ask(row, speaker, question) : undefined;
    },

    /** What this account has connected, newest first; with what ended by itself and was not connected again. */
    async list(accountId: string): Promise<UpstreamConnection[]> {
      const rows = await store.ofAccount(accountId, ENDED_BY_ITSELF);
      const seen = new Set(rows.filter((row) => row.endedAt === null).map((row) => row.upstream));
      return rows
        .filter((row) => row.endedAt === null || (!seen.has(row.upstream) && seen.add(row.upstream)))
        .map(shown);
    },

    /** The live connection of this account to this upstream. */
    async find(accountId: string, upstream: string): Promise<UpstreamConnection | undefined> {
      const row = await store.live(accountId, upstream);
      return row && shown(row);
    },

    /** Ends one; the upstream is told afterwards. Throws a Refusal (404) when it is not that account's. */
    async end(work: Work, accountId: string, id: string, by: string): Promise<{ upstream: string }> {
      const row = await store.find(id);
      if (!row || row.accountId !== accountId || row.endedAt !== null) throw gone();
      work.add({ ...store.end(id, accountId, by, clock()), lost: async () => gone() });
      record(work, 'upstream.connection_ended', row, by);
      return { upstream: row.upstream };
    },

    /** Ends what no live grant of the account may use any more, after other writes of the same commit ended grants. */
    endUnused: (work: Work, accountId: string): void =>
      work.add(store.endUnused(accountId, 'nothing_uses_it', clock())),

    /** The same for every account: a grant that ran out has nobody to say so. */
    async sweep(): Promise<void> {
      const alone = work();
      alone.add(store.endAllUnused('nothing_uses_it', clock()));
      await alone.commit();
    },

    settle: revocations.settle,
  };
}

export type Vault = ReturnType<typeof vault>;
