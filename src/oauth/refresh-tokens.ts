// Refresh tokens: derived, not stored. The n-th token of a family is an HMAC of both, so that whoever asks twice
// within the grace window gets the same successor again, with nothing kept that could be stolen.

import type { KeyObject } from 'node:crypto';
import { digest, mac } from '../crypto.ts';

/** A stored refresh token, as far as forgiving it goes. */
type Kept = { familyId: string | null; consumedAt: number | null; payload: string };

export const artifactKey = (model: string, id: string): string => digest(model, id);

export function refreshTokens({
  key,
  store,
  grace,
}: {
  key: KeyObject;
  store: { find(key: string): Promise<Kept | undefined> };
  /** Seconds. */
  grace: number;
}) {
  const value = (familyId: string, generation: number): string => mac(key, `${familyId}.${generation}`);

  return {
    /** The token of this generation of a family; the first is 0. */
    value,

    /**
     * Whether a used token may be used again: inside the grace window, and only until its successor is used.
     * Concurrent refreshes and lost responses look like that; a stolen token, used later, does not (RFC 9700 §4.14.2).
     */
    async forgives(row: Kept, now: number): Promise<boolean> {
      if (row.consumedAt === null || row.familyId === null) return false;
      if (now - row.consumedAt > grace * 1000) return false;
      const { rotations = 0 } = JSON.parse(row.payload) as { rotations?: number };
      const successor = await store.find(artifactKey('RefreshToken', value(row.familyId, rotations + 1)));
      return successor !== undefined && successor.consumedAt === null;
    },
  };
}

export type RefreshTokens = ReturnType<typeof refreshTokens>;
