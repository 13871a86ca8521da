// How the vault's tokens lie in their rows: one sealed JSON each, bound to row, account, upstream and version.
// A value that was moved to another row, or put back from an older version, does not open.

import { type KeyRing, open, seal } from '../../crypto.ts';
import { Refusal } from '../../errors.ts';
import type { UpstreamConnectionRow } from '../../storage/upstream-connections.ts';
import type { UpstreamTokens } from '../upstream/connector.ts';

type Place = Pick<UpstreamConnectionRow, 'id' | 'accountId' | 'upstream' | 'version'>;

const contextOf = ({ id, accountId, upstream, version }: Place): string =>
  ['upstream_connections', id, accountId, upstream, version].join('\0');

/** The tokens as that row, at that version, keeps them. */
export function sealTokens(ring: KeyRing, tokens: UpstreamTokens, place: Place): Buffer {
  const { accessToken, refreshToken, tokenType } = tokens;
  const plain = Buffer.from(JSON.stringify({ accessToken, refreshToken, tokenType }));
  return seal(ring.current, plain, contextOf(place));
}

/**
 * The tokens of a row. Throws a Refusal `vault_unreadable` that says the same whatever is wrong with them:
 * a flipped bit, another row's value, a key that is gone.
 */
export function openTokens(ring: KeyRing, row: UpstreamConnectionRow): UpstreamTokens {
  try {
    if (!row.sealed) throw new Error('there is nothing sealed in this row');
    const kept = JSON.parse(open(ring, row.sealed, contextOf(row)).toString()) as Pick<
      UpstreamTokens,
      'accessToken' | 'refreshToken' | 'tokenType'
    >;
    return { ...kept, expiresAt: row.expiresAt, scopes: row.scopes as string[] };
  } catch (cause) {
    throw new Refusal('What is kept of this upstream cannot be read.', {
      reason: 'vault_unreadable',
      status: 503,
      oauth: 'temporarily_unavailable',
      hint: 'End it under Connections, and connect it again.',
      cause,
    });
  }
}
