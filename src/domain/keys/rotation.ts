// When a signing key moves: published first, so that everyone knows it before it signs; then current; then retired.

import type { KeyRow } from '../../storage/keys.ts';
import type { KeyState } from './signing.ts';

/** In seconds. */
export type Rotation = {
  /** How long a key signs. */
  every: number;
  /** How long the next one is published before it does. */
  publishBefore: number;
};

export type Due =
  | { step: 'publish' }
  | { step: 'move'; from: KeyRow; to: KeyRow }
  /** Nothing to do before `at`, ms since the epoch. */
  | { step: 'wait'; at: number };

/** What a resource server may have kept of JWKS is this many seconds old (its Cache-Control, and the guard's own). */
export const PUBLISHED_AT_LEAST = 300;

/** The next step of one algorithm. `asked`: by a person, who need not wait for the schedule; `now`: nor for anything. */
export function due(
  rows: readonly KeyRow[],
  now: number,
  { every, publishBefore }: Rotation,
  by: 'schedule' | 'asked' | 'now',
): Due {
  const inState = (state: KeyState) => rows.find((row) => row.state === state);
  const [next, current] = [inState('next'), inState('current')];
  if (!current) return { step: 'wait', at: Number.POSITIVE_INFINITY };
  const rotates = current.changedAt + every * 1000;
  if (!next) {
    const at = by === 'schedule' ? rotates - publishBefore * 1000 : now;
    return now >= at ? { step: 'publish' } : { step: 'wait', at };
  }
  const known = next.changedAt + (by === 'schedule' ? publishBefore : PUBLISHED_AT_LEAST) * 1000;
  const at = { schedule: Math.max(rotates, known), asked: known, now }[by];
  return now >= at ? { step: 'move', from: current, to: next } : { step: 'wait', at };
}
