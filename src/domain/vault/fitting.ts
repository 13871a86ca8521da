// What may leave of a connection: a token that its upstream takes, and that can do no more than was asked for.
// Where the upstream makes smaller tokens it is asked for one; elsewhere the operator has said whether the whole may go.

import type { Clock } from '../../clock.ts';
import type { KeyRing } from '../../crypto.ts';
import { Refusal } from '../../errors.ts';
import { remember } from '../../memory.ts';
import type { UpstreamConnectionRow } from '../../storage/upstream-connections.ts';
import type { Connector, UpstreamTokens } from '../upstream/connector.ts';
import type { Refreshing } from './refreshing.ts';
import { connectRequired, later, tooWide } from './refusals.ts';
import { openTokens } from './sealing.ts';

/** Scopes that say who somebody is; a token that has them besides what was asked for can do no more. */
const IDENTITY_SCOPES = new Set(['openid', 'profile', 'email', 'offline_access']);

/** How long a token that the upstream took is believed in, in ms, by each process. */
const BELIEVED = 60_000;
const MOST_REMEMBERED = 10_000;

const isRevoked = (error: unknown): boolean =>
  error instanceof Refusal && error.reason === 'upstream_revoked';

export function fitting({ clock, ring, tokens }: { clock: Clock; ring: KeyRing; tokens: Refreshing }) {
  const asked = new Map<string, number>();

  /** Whether the upstream, which was not asked for a while, no longer takes this token. */
  async function refused(row: UpstreamConnectionRow, { alive }: Connector): Promise<boolean> {
    if (!alive) return false;
    const token = `${row.id} ${row.version}`;
    if (clock() - (asked.get(token) ?? Number.NEGATIVE_INFINITY) < BELIEVED) return false;
    remember(asked, token, clock(), MOST_REMEMBERED);
    try {
      return !(await alive(openTokens(ring, row)));
    } catch (error) {
      // One that cannot say so just now has not said no.
      if (error instanceof Refusal && error.reason !== 'vault_unreadable') return false;
      throw error;
    }
  }

  /** A token for `scopes` alone; one that the upstream makes none of is renewed once before that is believed. */
  async function smaller(
    row: UpstreamConnectionRow,
    connector: Connector,
    scopes: readonly string[],
  ): Promise<UpstreamTokens> {
    const less = async (of: UpstreamConnectionRow): Promise<UpstreamTokens> => {
      if (!connector.downScope) throw tooWide(row.upstream);
      return connector.downScope(openTokens(ring, of), scopes);
    };
    try {
      return await less(row);
    } catch (error) {
      if (!isRevoked(error)) throw error;
    }
    const renewed = await tokens.another(row, connector);
    try {
      return await less(renewed);
    } catch (error) {
      if (!isRevoked(error)) throw error;
      await tokens.over(renewed, error);
      throw later('upstream_busy', `${row.upstream} was connected again at this very moment.`, error);
    }
  }

  /**
   * A token of this connection for `scopes`. Throws a Refusal: `connect_required` when the connection has ended or
   * does not reach that far, `upstream_scope_too_wide` when only the `whole` token is to be had and may not go,
   * 503 when the upstream does not answer.
   */
  async function tokenFor(
    found: UpstreamConnectionRow,
    connector: Connector | undefined,
    { scopes, whole }: { scopes: readonly string[]; whole: boolean },
  ): Promise<UpstreamTokens> {
    if (found.kind === 'key') return openTokens(ring, found);
    let row = await tokens.fresh(found, connector);
    if (connector && (await refused(row, connector))) row = await tokens.another(row, connector);
    const has = row.scopes as string[];
    // One that does not say what its token can do (a GitHub App) is not asked for more of it …
    if (has.length > 0 && scopes.some((scope) => !has.includes(scope))) {
      const sentence = `The connection to ${row.upstream} does not allow this much.`;
      throw connectRequired('upstream_scope_missing', sentence);
    }
    // … and may mean everything by it.
    const wider =
      has.length === 0 || has.some((scope) => !scopes.includes(scope) && !IDENTITY_SCOPES.has(scope));
    // A process that has just started has not heard yet whether there are smaller ones.
    if (wider && connector?.downScope) await connector.learn?.();
    if (wider && connector?.can.downScope) return smaller(row, connector, scopes);
    if (wider && !whole) throw tooWide(row.upstream);
    return openTokens(ring, row);
  }

  return {
    tokenFor,

    /** The answer to a question of ours, asked with a token that goes nowhere else. Throws as `tokenFor` does. */
    async ask<T>(
      row: UpstreamConnectionRow,
      connector: Connector,
      question: (connector: Connector, tokens: UpstreamTokens) => Promise<T>,
    ): Promise<T> {
      return question(connector, openTokens(ring, await tokens.fresh(row, connector)));
    },
  };
}
