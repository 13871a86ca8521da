// Randomness, digests, comparison and sealing: every use of node:crypto that protects a stored value.

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/** `bytes` of randomness as base64url; 32 bytes (256 bits) unless told. */
export const random = (bytes = 32): string => randomBytes(bytes).toString('base64url');

let pool = Buffer.alloc(0);

/**
 * 15 characters that name something and open nothing: the second of `now` (ms since the epoch), so that an index of
 * what was written together is written in one place, and 48 random bits drawn in advance. For a secret it is `random`.
 */
export function nameAt(now: number): string {
  if (pool.length < 6) pool = randomBytes(3072);
  const bytes = pool.subarray(0, 6);
  pool = pool.subarray(6);
  return `${Math.floor(now / 1000)
    .toString(36)
    .padStart(7, '0')}${bytes.toString('base64url')}`;
}

/**
 * SHA-256 of `kind` and `value`, base64url: the form in which a bearer secret is stored and looked up.
 * `kind` keeps namespaces apart, so that the digest of a code never matches a refresh token.
 */
export const digest = (kind: string, value: string): string =>
  hash('sha256', `${kind}\0${value}`, 'base64url');

/** HMAC-SHA-256, base64url. A KeyObject, made once, costs a fifth of the same bytes. */
export const mac = (key: KeyObject | Buffer, value: string): string =>
  createHmac('sha256', key).update(value).digest('base64url');

/** Constant-time comparison of two strings; their lengths may differ. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'));
}

/** Constant-time comparison of two digests; they are as long as each other, or one of them is none. */
export function sameDigest(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** A 32-byte subkey for one purpose, by HKDF-SHA-256 (RFC 5869). */
export const subkey = (root: Buffer, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', root, Buffer.alloc(0), purpose, 32));

/** A key-encryption key: 32 bytes and the id that is stored beside what it wraps. */
export type SealingKey = { id: string; bytes: Buffer };

export function sealingKey(encoded: string): SealingKey {
  const bytes = Buffer.from(encoded.trim(), 'base64url');
  if (bytes.length !== 32) throw new TypeError('a sealing key is 32 bytes in base64url');
  return {
    id: createHash('sha256').update('cardea key id').update(bytes).digest('base64url').slice(0, 12),
    bytes,
  };
}

// version | key id | nonce, tag and wrapped data key | nonce, tag and ciphertext
const VERSION = 1;

function encrypt(key: Buffer, plain: Buffer, context: string): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(context));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

function decrypt(key: Buffer, sealed: Buffer, context: string): Buffer {
  // Node takes shorter tags unless told, and a tag of four bytes can be guessed.
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(12, 28));
  return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]);
}

/**
 * AES-256-GCM with a data key of its own per value, wrapped by `key`.
 * `context` names the table, row and owner; a value moved to another row no longer opens.
 */
export function seal(key: SealingKey, plain: Buffer, context: string): Buffer {
  const dataKey = randomBytes(32);
  const wrapped = encrypt(key.bytes, dataKey, `${key.id}\0${context}`);
  return Buffer.concat([
    Buffer.from([VERSION]),
    Buffer.from(key.id),
    wrapped,
    encrypt(dataKey, plain, context),
  ]);
}

/** The id of the key that a value is sealed with. */
export const sealedWith = (sealed: Buffer): string => sealed.subarray(1, 13).toString();

/** What is sealed with `current` and opened with any. */
export type KeyRing = { current: SealingKey; previous: readonly SealingKey[] };

const WRAPPED = { from: 13, to: 13 + 60 };

function dataKeyOf(ring: KeyRing, sealed: Buffer, context: string): Buffer {
  const id = sealedWith(sealed);
  const key = [ring.current, ...ring.previous].find((each) => each.id === id);
  if (sealed[0] !== VERSION || !key) throw new Error(`sealed with key ${id}, which is not known`);
  return decrypt(key.bytes, sealed.subarray(WRAPPED.from, WRAPPED.to), `${id}\0${context}`);
}

/** The inverse of `seal`; throws when no key of the ring is the right one, or the context or a single bit differs. */
export const open = (ring: KeyRing, sealed: Buffer, context: string): Buffer =>
  decrypt(dataKeyOf(ring, sealed, context), sealed.subarray(WRAPPED.to), context);

/** The same value sealed with the current key: only its data key is wrapped anew. Throws as `open` does. */
export function rewrap(ring: KeyRing, sealed: Buffer, context: string): Buffer {
  const { id, bytes } = ring.current;
  const wrapped = encrypt(bytes, dataKeyOf(ring, sealed, context), `${id}\0${context}`);
  return Buffer.concat([Buffer.from([VERSION]), Buffer.from(id), wrapped, sealed.subarray(WRAPPED.to)]);
}
