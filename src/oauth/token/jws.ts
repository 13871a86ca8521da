// Signs a compact JWS (RFC 7515 §7.1) with node:crypto, at once. jose signs through WebCrypto, whose trip to another
// thread and back costs more than an ES256 signature does: 0.17 ms a token against 0.05 ms, measured on Node 24.

import { sign } from 'node:crypto';
import type { SigningKey } from '../../domain/keys.ts';

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

// One header per key and type, for as long as the key is known.
const headers = new WeakMap<SigningKey, Map<string, string>>();

function headerOf(key: SigningKey, type: string | undefined): string {
  const mine = headers.get(key) ?? new Map<string, string>();
  headers.set(key, mine);
  const { algorithm: alg, kid } = key;
  const header = mine.get(type ?? '') ?? encoded({ alg, ...(type === undefined ? {} : { typ: type }), kid });
  mine.set(type ?? '', header);
  return header;
}

/** `type` is the `typ` of its header: `at+jwt` for an access token (RFC 9068 §2.1). */
export function signedJwt(
  key: SigningKey,
  type: string | undefined,
  claims: Record<string, unknown>,
): string {
  const input = `${headerOf(key, type)}.${encoded(claims)}`;
  const bytes = Buffer.from(input);
  const signature =
    key.algorithm === 'ES256'
      ? sign('sha256', bytes, { key: key.private, dsaEncoding: 'ieee-p1363' }) // RFC 7518 §3.4
      : sign(key.algorithm === 'EdDSA' ? null : 'sha256', bytes, key.private);
  return `${input}.${signature.toString('base64url')}`;
}
