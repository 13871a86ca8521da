// A DPoP proof (RFC 9449 §4.2), checked by itself: whose key made it, for which request, when. What was used before
// and which nonces are good is not known here.

import { hash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, type JWTPayload, jwtVerify } from 'jose';
import { Refusal } from '../../errors.ts';

/** RFC 9449 §4.3, check 5: asymmetric, and nothing that we would not take elsewhere. */
export const DPOP_ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256'];

const LONGEST = 8 * 1024;
const LONGEST_JTI = 512;

export type Proof = {
  /** The key's SHA-256 thumbprint (RFC 7638), base64url. */
  jkt: string;
  jti: string;
  /** Seconds since the epoch, as the client believes. */
  iat: number;
  nonce: string | undefined;
};

export const invalidProof = (why: string, cause?: unknown): Refusal =>
  new Refusal(`The DPoP proof ${why}.`, {
    reason: 'dpop_proof_invalid',
    oauth: 'invalid_dpop_proof',
    hint: 'Make a new proof for every request, with the key that the token is bound to.',
    cause,
  });

/** The address that a proof names and the one it is for, without what does not count (RFC 9449 §4.3, check 9). */
function sameTarget(htu: unknown, url: string): boolean {
  const named = typeof htu === 'string' ? URL.parse(htu) : null;
  if (!named) return false;
  named.search = '';
  named.hash = '';
  return named.href === new URL(url).href; // both normalised (RFC 3986 §6.2.2, §6.2.3)
}

async function read(proof: string): Promise<{ jkt: string; payload: JWTPayload }> {
  if (proof.length > LONGEST) throw invalidProof('is too long');
  try {
    // EmbeddedJWK takes public keys only: a private or symmetric one is refused (checks 6 and 7).
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: DPOP_ALGORITHMS,
      // `exp` and `nbf` are not a proof's to say, but where they are said they hold; a minute for clocks.
      clockTolerance: 60,
    });
    return { jkt: await calculateJwkThumbprint(protectedHeader.jwk ?? {}), payload };
  } catch (cause) {
    throw invalidProof('is not one, or its signature does not fit', cause);
  }
}

/**
 * What a proof for `method` at `url` says. `accessToken` is the one that came with it, where one did.
 * Throws a Refusal `invalid_dpop_proof` with the first thing that is wrong (RFC 9449 §4.3).
 */
export async function readProof(
  proof: string,
  { method, url, accessToken }: { method: string; url: string; accessToken?: string | undefined },
): Promise<Proof> {
  const { jkt, payload } = await read(proof);
  const { jti, iat, nonce } = payload;
  if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_JTI)
    throw invalidProof('has no usable jti');
  if (typeof iat !== 'number') throw invalidProof('has no iat');
  if (payload['htm'] !== method) throw invalidProof('is for another method');
  if (!sameTarget(payload['htu'], url)) throw invalidProof(`is not for ${url}`);
  if (nonce !== undefined && typeof nonce !== 'string') throw invalidProof('has a nonce that is no text');
  // RFC 9449 §4.3, check 12: the proof of whoever holds another token says nothing about this one.
  if (accessToken !== undefined && payload['ath'] !== hash('sha256', accessToken, 'base64url'))
    throw invalidProof('is not for this access token');
  return { jkt, jti, iat, nonce: nonce as string | undefined };
}
