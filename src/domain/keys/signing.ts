// A signing key as it is made, sealed, and opened again.

import { createPrivateKey, generateKeyPair, type JsonWebKey, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, type JWK } from 'jose';
import type { SigningAlgorithm } from '../../config.ts';
import { type KeyRing, open, seal } from '../../crypto.ts';
import type { KeyRow } from '../../storage/keys.ts';

const generate = promisify(generateKeyPair);

export type KeyState = 'next' | 'current' | 'retired';

export type SigningKey = {
  kid: string;
  algorithm: SigningAlgorithm;
  state: KeyState;
  public: JWK;
  private: KeyObject;
  changedAt: number;
};

/** What a private key is bound to: moved to another row, it no longer opens. */
export const signingContext = (kid: string): string => `signing_keys\0${kid}`;

async function pair(algorithm: SigningAlgorithm): Promise<KeyObject> {
  // better a switch of three than a table: the generators' options have nothing in common
  switch (algorithm) {
    case 'ES256':
      return (await generate('ec', { namedCurve: 'P-256' })).privateKey;
    case 'EdDSA':
      return (await generate('ed25519')).privateKey;
    case 'RS256':
      return (await generate('rsa', { modulusLength: 2048 })).privateKey;
  }
}

function publicJwk(key: KeyObject): JWK {
  const {
    d: _d,
    p: _p,
    q: _q,
    dp: _dp,
    dq: _dq,
    qi: _qi,
    ...shown
  } = key.export({ format: 'jwk' }) as JsonWebKey;
  return shown as JWK;
}

/** A new key, its private half sealed. */
export async function newKey(
  ring: KeyRing,
  algorithm: SigningAlgorithm,
  state: KeyState,
  now: number,
): Promise<KeyRow> {
  const key = await pair(algorithm);
  const shown = publicJwk(key);
  const kid = await calculateJwkThumbprint(shown); // RFC 7638
  return {
    kid,
    algorithm,
    state,
    public: { ...shown, kid, alg: algorithm, use: 'sig' },
    private: seal(ring.current, key.export({ format: 'der', type: 'pkcs8' }), signingContext(kid)),
    createdAt: now,
    changedAt: now,
  };
}

/** Throws when no key of the ring opens it. */
export const privateKey = (ring: KeyRing, row: KeyRow): KeyObject =>
  createPrivateKey({
    key: open(ring, row.private, signingContext(row.kid)),
    format: 'der',
    type: 'pkcs8',
  });
