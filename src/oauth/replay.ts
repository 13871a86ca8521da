// What a client proves something with, an assertion or a DPoP proof, is good once.

import type { Work } from '../domain/audit.ts';
import type { Refusal } from '../errors.ts';
import type { AdapterNeeds } from './adapter.ts';
import { artifactKey } from './refresh-tokens.ts';

const MODEL = 'ReplayDetection';

/**
 * Uses `name` up, whatever comes of the request; of several at the same moment one wins in the commit, and the others
 * are told `used()`. It is remembered until `expiresAt` (ms since the epoch), after which it must be good no more.
 */
export function useUp(
  store: Pick<AdapterNeeds['store'], 'insert'>,
  work: Work,
  { name, expiresAt, used }: { name: string; expiresAt: number; used: () => Refusal },
): void {
  const row = { key: artifactKey(MODEL, name), model: MODEL, payload: '{}', expiresAt };
  work.keep({
    ...store.insert({ ...row, familyId: null, uid: null, consumedAt: null }),
    must: true,
    lost: async () => used(),
  });
}
