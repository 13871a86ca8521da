// One refresh at a time, however many requests in however many processes want the same token.
// The right to ask the upstream is a committed claim on the row, so that a process that dies between the upstream's
// answer and our commit leaves a trace of it. Nothing is open in the database while the upstream is asked.

import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import type { KeyRing } from '../../crypto.ts';
import { Refusal } from '../../errors.ts';
import type { Work } from '../../storage/commit.ts';
import type { UpstreamConnectionRow, UpstreamConnectionStore } from '../../storage/upstream-connections.ts';
import type { Audit } from '../audit.ts';
import type { Connector, UpstreamTokens } from '../upstream/connector.ts';
import { first } from './first.ts';
import { connectRequired, later } from './refusals.ts';
import { openTokens, sealTokens } from './sealing.ts';

/** How long the right to ask lasts, in ms: longer than any answer of an upstream may take. */
export const LEASE = 30_000;
/** A token that has less left than this is renewed, in ms. */
const MARGIN = 30_000;
/** How often and how many times whoever is not the one to ask looks whether it is done: ten seconds. */
const LOOK_EVERY = 50;
const LOOKS = 200;
const COMMIT_TRIES = 5;

/** A fault of the upstream is not hammered at: 2 s, 4 s, 8 s … five minutes. */
const backoff = (attempts: number): number => Math.min(2_000 * 2 ** Math.min(attempts, 10), 300_000);

export function refreshing({
  store,
  audit,
  clock,
  ring,
  work: begin,
}: {
  store: UpstreamConnectionStore;
  audit: Audit;
  clock: Clock;
  ring: KeyRing;
  work: () => Work;
}) {
  const running = new Map<string, Promise<UpstreamConnectionRow>>();

  const wins = first(begin);

  const ended = (row: UpstreamConnectionRow): Refusal =>
    connectRequired('upstream_ended', `${row.upstream} has ended this connection.`);

  /** The upstream said that it is over: once, and nobody asks again. */
  async function over(row: UpstreamConnectionRow, cause: unknown): Promise<UpstreamConnectionRow> {
    // A claim that ran out, or an answer that never came: it may have been our own former request that used the
    // refresh token up (a refresh token that is good for one use).
    const by = row.refreshingUntil !== null || row.attempts > 0 ? 'refresh_lost' : 'revoked_upstream';
    const { id, accountId, upstream } = row;
    const done = await wins(store.dead(id, row.version, by, clock()), (work) =>
      audit.record(work, {
        action: 'upstream.connection_ended',
        reason: by,
        accountId,
        detail: { upstream, connection: id },
      }),
    );
    const now = done ? undefined : await store.find(id);
    if (now && now.endedAt === null && now.version > row.version) return now; // renewed after all
    throw Object.assign(ended(row), { cause });
  }

  /** Keeps what the upstream gave; what cannot be kept is lost for good, so this is tried more than once. */
  async function keep(row: UpstreamConnectionRow, tokens: UpstreamTokens): Promise<UpstreamConnectionRow> {
    const next = { ...row, version: row.version + 1 };
    const sealed = sealTokens(ring, tokens, next);
    const renewed = {
      ...row,
      sealed,
      scopes: tokens.scopes,
      expiresAt: tokens.expiresAt,
      updatedAt: clock(),
    };
    const record = (work: Work) =>
      audit.record(work, {
        action: 'upstream.refreshed',
        accountId: row.accountId,
        detail: { upstream: row.upstream, connection: row.id },
      });
    for (let tries = 1; ; tries += 1) {
      try {
        if (await wins(store.renew(renewed), record))
          return { ...renewed, version: next.version, refreshingUntil: null, attempts: 0, retryAt: null };
        const now = await store.find(row.id);
        // A commit whose answer never came is a commit all the same.
        if (now && now.endedAt === null && now.version > row.version) return now;
        // Ended while the upstream answered: what it gave has to be given back.
        if (now?.endedAt) await wins(store.inherit(row.id, row.version, sealed, clock()));
        throw ended(row);
      } catch (error) {
        if ((error instanceof Refusal && error.status < 500) || tries === COMMIT_TRIES) throw error;
        await pause(200 * tries);
      }
    }
  }

  async function ask(row: UpstreamConnectionRow, connector: Connector): Promise<UpstreamConnectionRow> {
    const until = clock() + LEASE;
    if (!(await wins(store.claim(row.id, row.version, clock(), until)))) return wait(row, connector);
    const before = openTokens(ring, row);
    let after: UpstreamTokens;
    try {
      after = await connector.refresh(before);
    } catch (error) {
      if (error instanceof Refusal && error.reason === 'upstream_revoked') return over(row, error);
      const attempts = row.attempts + 1;
      const retryAt = clock() + backoff(attempts);
      await wins(store.release({ id: row.id, version: row.version, until, attempts, retryAt }));
      throw later('upstream_unavailable', `${row.upstream} does not answer as it should.`, error);
    }
    // RFC 6749 §6: an answer without a refresh token or scope leaves those as they were.
    return keep(row, {
      ...after,
      ...(after.refreshToken === undefined && before.refreshToken !== undefined
        ? { refreshToken: before.refreshToken }
        : {}),
      scopes: after.scopes.length > 0 ? after.scopes : before.scopes,
    });
  }

  async function wait(row: UpstreamConnectionRow, connector: Connector): Promise<UpstreamConnectionRow> {
    for (let looks = 0; looks < LOOKS; looks += 1) {
      await pause(LOOK_EVERY);
      const now = await store.find(row.id);
      if (!now || now.endedAt !== null) throw ended(row);
      if (now.version > row.version) return now;
      if (now.retryAt !== null && now.retryAt > clock())
        throw later('upstream_unavailable', `${row.upstream} does not answer as it should.`);
      if (now.refreshingUntil === null || now.refreshingUntil < clock()) return ask(now, connector);
    }
    throw later('upstream_busy', `${row.upstream} is being asked and has not answered yet.`);
  }

  function once(row: UpstreamConnectionRow, connector: Connector): Promise<UpstreamConnectionRow> {
    const busy = running.get(row.id);
    if (busy) return busy;
    const own = ask(row, connector).finally(() => running.delete(row.id));
    running.set(row.id, own);
    return own;
  }

  return {
    /**
     * The row with a token that holds for a while yet. Throws a Refusal: `connect_required` when it can only be
     * connected again, 503 when the upstream does not answer; while that lasts, it is not asked again at once.
     */
    async fresh(
      row: UpstreamConnectionRow,
      connector: Connector | undefined,
    ): Promise<UpstreamConnectionRow> {
      const left = row.expiresAt === null ? Number.POSITIVE_INFINITY : row.expiresAt - clock();
      if (left > MARGIN) return row;
      const canRefresh = connector?.can.refresh && openTokens(ring, row).refreshToken !== undefined;
      if (!canRefresh) {
        if (left > 0) return row;
        throw connectRequired('upstream_expired', `The connection to ${row.upstream} has run out.`);
      }
      const resting = row.retryAt !== null && row.retryAt > clock();
      if (resting && left > 0) return row;
      if (resting) throw later('upstream_unavailable', `${row.upstream} does not answer as it should.`);
      return once(row, connector);
    },

    /**
     * The row with another token than the one that it has, which the upstream does not take though it has not run out.
     * Throws as `fresh` does; where no other is to be had, the connection has ended.
     */
    async another(row: UpstreamConnectionRow, connector: Connector): Promise<UpstreamConnectionRow> {
      if (!connector.can.refresh || openTokens(ring, row).refreshToken === undefined)
        return over(row, undefined);
      if (row.retryAt !== null && row.retryAt > clock())
        throw later('upstream_unavailable', `${row.upstream} does not answer as it should.`);
      return once(row, connector);
    },

    over,
  };
}

export type Refreshing = ReturnType<typeof refreshing>;
