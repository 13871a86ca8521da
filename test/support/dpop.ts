// A client's DPoP key and the proofs that it makes (RFC 9449), honest unless told otherwise.

import { createHash, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';

export async function dpopKey(alg = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return {
    jkt: await calculateJwkThumbprint(jwk),
    jwk,
    privateJwk: await exportJWK(privateKey),
    /** A proof for a POST to `htu`, with `claims` and `header` put over it; undefined leaves a member out. */
    proof: (htu: string, claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
      new SignJWT({ jti: randomUUID(), iat: Math.floor(Date.now() / 1000), htm: 'POST', htu, ...claims })
        .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk, ...header })
        .sign(privateKey),
  };
}

export type DpopKey = Awaited<ReturnType<typeof dpopKey>>;

/** What a proof says of the access token that it comes with. */
export const ath = (token: string): string => createHash('sha256').update(token).digest('base64url');
