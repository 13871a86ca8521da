// The public keys that a client proves itself with (private_key_jwt), whoever brings them: the file, a command,
// a registration or a metadata document.

import { createPublicKey, type JsonWebKey } from 'node:crypto';

export type ClientKeys = { keys: Record<string, string>[] };

const MOST_KEYS = 10;
/** RFC 7518 §6: what a public key of each kind is made of; nothing else of it is kept. */
const PUBLIC_MEMBERS: Record<string, string[]> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
};
const DESCRIBING = ['kid', 'alg', 'use'];
/** RFC 7518 §6.2.2, §6.3.2, §6.4.1: what only the owner may have. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const CURVES = ['P-256', 'P-384', 'P-521', 'Ed25519'];
const SHORTEST_RSA = 2048; // RFC 7518 §3.3
const LONGEST_RSA = 8192; // longer ones only make us work

function plainKey(value: unknown): Record<string, string> | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'holds a key that is no object';
  const given = value as Record<string, unknown>;
  if (PRIVATE_MEMBERS.some((name) => given[name] !== undefined)) return 'holds a key that is not public';
  const kind = typeof given['kty'] === 'string' ? given['kty'] : '';
  const members = Object.hasOwn(PUBLIC_MEMBERS, kind) ? PUBLIC_MEMBERS[kind] : undefined;
  if (!members) return 'holds a key that is neither RSA, EC nor OKP';
  const kept: Record<string, string> = { kty: kind };
  for (const name of [...members, ...DESCRIBING]) {
    const member = given[name];
    if (typeof member === 'string' && member.length <= 2048) kept[name] = member;
  }
  if (kept['crv'] !== undefined && !CURVES.includes(kept['crv']))
    return 'holds a key on a curve that has no use here';
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: kept as JsonWebKey, format: 'jwk' });
    const bits = asymmetricKeyDetails?.modulusLength;
    if (bits !== undefined && (bits < SHORTEST_RSA || bits > LONGEST_RSA))
      return `holds an RSA key that is not of ${SHORTEST_RSA} to ${LONGEST_RSA} bits`;
  } catch {
    return 'holds a key that is none';
  }
  return kept;
}

/**
 * `value` as a JWK set (RFC 7517 §5) of public keys, each reduced to what makes it one; or what is wrong with it,
 * as the rest of a sentence.
 */
export function clientKeys(value: unknown): ClientKeys | string {
  const list = (value as { keys?: unknown } | null | undefined)?.keys;
  if (!Array.isArray(list) || list.length === 0) return 'must be a set with at least one key';
  if (list.length > MOST_KEYS) return `must have at most ${MOST_KEYS} keys`;
  const keys: Record<string, string>[] = [];
  for (const each of list) {
    const key = plainKey(each);
    if (typeof key === 'string') return key;
    keys.push(key);
  }
  return { keys };
}
