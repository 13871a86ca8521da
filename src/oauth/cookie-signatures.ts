// How our cookies are signed. The cookie library asks three things of whoever does it, which Keygrip is by default; that
// one compares by two further HMACs under a random key, each time, and was a twentieth of a whole flow. Used by the engine
// and by the pages alike, so that each believes what the other has signed.

import type { KeyObject } from 'node:crypto';
import { mac, sameDigest } from '../crypto.ts';

export function cookieSignatures(key: KeyObject) {
  const verify = (data: string, signature: string): boolean => sameDigest(signature, mac(key, data));

  return {
    /** HMAC-SHA-256 of `name=value`, base64url. */
    sign: (data: string): string => mac(key, data),
    verify,
    /** Which key it was signed with: 0, the only one, or -1 for none. Anything above 0 is signed anew. */
    index: (data: string, signature: string): number => (verify(data, signature) ? 0 : -1),
  };
}

export type CookieSignatures = ReturnType<typeof cookieSignatures>;
