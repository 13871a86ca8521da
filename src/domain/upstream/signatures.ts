// Whether an ID token was signed by the upstream: its published keys, kept, and asked for again when one is not known.

import { type CompactVerifyGetKey, compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose';
import type { Clock } from '../../clock.ts';
import type { Door } from './door.ts';
import { misbehaved, type Named, trouble, unavailable } from './trouble.ts';

const FRESH = 600_000;
// However many tokens with made-up key ids arrive, the upstream is asked this seldom.
const COOLDOWN = 30_000;

/** Signatures that only the holder of a private key can make (RFC 7518 §3.1, RFC 8037): no HMAC, no `none`. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

export function signatures({ door, clock, named }: { door: Door; clock: Clock; named: Named }) {
  let kept: { url: string; find: CompactVerifyGetKey; at: number } | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  async function ask(url: string): Promise<void> {
    triedAt = clock();
    const response = await door(url, { headers: { accept: 'application/json, application/jwk-set+json' } });
    if (response.status === 429 || response.status >= 500)
      throw unavailable(named, `its keys answered ${response.status}`);
    if (response.status !== 200) throw misbehaved(named, `its keys answered ${response.status}`);
    const keys = (await response.json().catch(() => undefined)) as JSONWebKeySet | undefined;
    try {
      kept = { url, find: createLocalJWKSet(keys as JSONWebKeySet), at: clock() };
    } catch {
      throw misbehaved(named, 'its keys are not a JSON Web Key Set');
    }
  }

  const again = (url: string): Promise<void> => {
    asking ??= ask(url).finally(() => {
      asking = undefined;
    });
    return asking;
  };

  return {
    /** Throws a Refusal unless `jwt` is signed with a key that is at `url` (the metadata's jwks_uri). */
    async verify(jwt: string, url: string): Promise<void> {
      if (kept?.url !== url) await again(url);
      else if (clock() - kept.at >= FRESH && clock() - triedAt >= COOLDOWN) {
        // Keys that were right go on being right while they cannot be asked for.
        await again(url).catch(() => undefined);
      }
      try {
        await signed(jwt);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || clock() - triedAt < COOLDOWN)
          throw refusal(error);
        await again(url);
        await signed(jwt).catch((second: unknown) => {
          throw refusal(second);
        });
      }
    },
    /** How many keys there are, freshly asked. Throws a Refusal. */
    fetch: (url: string): Promise<void> => again(url),
  };

  async function signed(jwt: string): Promise<void> {
    if (!kept) throw misbehaved(named, 'it has no keys');
    await compactVerify(jwt, kept.find, { algorithms: ALGORITHMS });
  }

  function refusal(error: unknown): unknown {
    if (!(error instanceof errors.JOSEError)) return trouble(named, error);
    const unknown = error instanceof errors.JWKSNoMatchingKey;
    const why = unknown ? 'is signed with a key that it does not publish' : 'does not verify';
    return misbehaved(named, `its ID token ${why} (${error.code})`);
  }
}
