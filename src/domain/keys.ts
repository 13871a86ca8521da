// Keys: what tokens are signed with, and the root secret that cookies and refresh tokens are derived from.
// Private parts are sealed at rest. Signing keys move next → current → retired and are published all the while.

import { createPrivateKey, generateKeyPair, type JsonWebKey, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, type JWK } from 'jose';
import type { Clock } from '../clock.ts';
import type { SigningAlgorithm } from '../config.ts';
import { open, random, type SealingKey, seal, subkey } from '../crypto.ts';
import { Refusal } from '../errors.ts';
import type { Work } from '../storage/commit.ts';
import type { KeyRow, KeyStore } from '../storage/keys.ts';
import type { Audit } from './audit.ts';

const generate = promisify(generateKeyPair);
const ROOT = 'root';

export type KeyState = 'next' | 'current' | 'retired';

export type SigningKey = {
  kid: string;
  algorithm: SigningAlgorithm;
  state: KeyState;
  public: JWK;
  private: KeyObject;
  changedAt: number;
};

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

const context = (kid: string): string => `signing_keys\0${kid}`;

export function keys({
  store,
  audit,
  clock,
  sealing,
}: {
  store: KeyStore;
  audit: Audit;
  clock: Clock;
  sealing: SealingKey;
}) {
  function opened(row: KeyRow): SigningKey {
    const der = open(sealing, row.private, context(row.kid));
    return {
      kid: row.kid,
      algorithm: row.algorithm as SigningAlgorithm,
      state: row.state as KeyState,
      public: row.public as JWK,
      private: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }),
      changedAt: row.changedAt,
    };
  }

  async function make(work: Work, algorithm: SigningAlgorithm, state: KeyState): Promise<void> {
    const key = await pair(algorithm);
    const shown = publicJwk(key);
    const kid = await calculateJwkThumbprint(shown); // RFC 7638
    const now = clock();
    const row: KeyRow = {
      kid,
      algorithm,
      state,
      public: { ...shown, kid, alg: algorithm, use: 'sig' },
      private: seal(sealing, key.export({ format: 'der', type: 'pkcs8' }), context(kid)),
      createdAt: now,
      changedAt: now,
    };
    work.add(store.insert(row));
    audit.record(work, { action: 'key.made', detail: { kid, algorithm, state } });
  }

  return {
    /**
     * The root secret, made on the first start. Throws a Refusal when what is stored was sealed with another key:
     * it is the canary that keeps a wrong CARDEA_KEY from starting.
     */
    async root(work: Work): Promise<Buffer> {
      const sealed = await store.findSecret(ROOT);
      if (!sealed) {
        work.add(store.addSecret(ROOT, seal(sealing, Buffer.from(random(), 'base64url'), ROOT), clock()));
        await work.commit();
        return this.root(work);
      }
      try {
        return open(sealing, sealed, ROOT);
      } catch (cause) {
        throw new Refusal(
          'The key that this server was given is not the one that its database was sealed with.',
          {
            reason: 'wrong_key',
            status: 503,
            hint: 'Give CARDEA_KEY (or the key file in the data directory) the value that it had before.',
            cause,
          },
        );
      }
    },

    /** Every key that is published, oldest first, private parts opened. */
    list: async (): Promise<SigningKey[]> => (await store.list()).map(opened),

    /** Makes a current key for each algorithm that has none. */
    async ensure(work: Work, algorithms: Iterable<SigningAlgorithm>): Promise<void> {
      const have = new Set(
        (await store.list()).filter((row) => row.state === 'current').map((row) => row.algorithm),
      );
      for (const algorithm of algorithms) {
        if (!have.has(algorithm)) await make(work, algorithm, 'current');
      }
    },

    /**
     * Next becomes current, current is retired, and a new next is published so that everyone knows it in time.
     * Where there is no next yet, one is made and nothing else moves. Returns what happened, by algorithm.
     */
    async rotate(work: Work): Promise<{ algorithm: string; moved: boolean }[]> {
      const rows = await store.list();
      const now = clock();
      const done: { algorithm: string; moved: boolean }[] = [];
      for (const algorithm of new Set(rows.map((row) => row.algorithm))) {
        const inState = (state: KeyState) =>
          rows.find((row) => row.algorithm === algorithm && row.state === state);
        const [next, current] = [inState('next'), inState('current')];
        if (next && current) {
          work.add(
            store.move(current.kid, 'current', 'retired', now),
            store.move(next.kid, 'next', 'current', now),
          );
          audit.record(work, { action: 'key.rotated', detail: { from: current.kid, to: next.kid } });
        }
        await make(work, algorithm as SigningAlgorithm, 'next');
        done.push({ algorithm, moved: Boolean(next && current) });
      }
      return done;
    },

    /** Forgets retired keys whose last token has expired: retired before `before` (ms since the epoch). */
    async forgetRetired(work: Work, before: number): Promise<void> {
      for (const row of await store.list()) {
        if (row.state === 'retired' && row.changedAt < before) work.add(store.remove(row.kid));
      }
    },
  };
}

export type Keys = ReturnType<typeof keys>;

/** What is derived from the root secret, one key per purpose. */
export const derived = (root: Buffer) => ({
  cookies: subkey(root, 'cookies').toString('base64url'),
  refreshTokens: subkey(root, 'refresh tokens'),
  forms: subkey(root, 'forms'),
});

export type DerivedKeys = ReturnType<typeof derived>;
