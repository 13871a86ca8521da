// Nonces for DPoP proofs (RFC 9449 §8): a MAC of the time, so that every process knows them and none is stored.

import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { mac, sameSecret } from '../../crypto.ts';

// In ms: a nonce is good for twice as long at most.
const SLOT = 150_000;

export function nonces({ key, clock }: { key: KeyObject; clock: Clock }) {
  const at = (slot: number): string => mac(key, `dpop nonce ${slot}`).slice(0, 22);
  const now = (): number => Math.floor(clock() / SLOT);

  return {
    /** The one to give out now. */
    current: (): string => at(now()),
    /** Whether it was given out in this slot or the one before. */
    accepts: (nonce: string): boolean => sameSecret(nonce, at(now())) || sameSecret(nonce, at(now() - 1)),
  };
}

export type Nonces = ReturnType<typeof nonces>;
