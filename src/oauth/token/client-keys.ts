// The public keys that clients sign their assertions with: given inline, or fetched from their `jwks_uri` through the
// one door out. What was fetched is shared by all requests, bounded, and kept while its host is down.

import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { Clock } from '../../clock.ts';
import { remember } from '../../memory.ts';
import type { Outbound } from '../../outbound.ts';
import type { AssertionKeys } from './known.ts';

const FRESH_FOR = 600_000;
// However many assertions name a key that is not there, the host is asked no more often than this.
const COOL_DOWN = 60_000;
const MOST_KEPT = 1_000;
const LARGEST = 65_536;

type Kept = { find?: JWTVerifyGetKey; askedAt: number; fetchedAt: number; asking?: Promise<void> };

export function clientKeys({ outbound, clock }: { outbound: Outbound; clock: Clock }) {
  const kept = new Map<string, Kept>();
  const inline = new WeakMap<object, JWTVerifyGetKey>();

  async function ask(url: string, entry: Kept): Promise<void> {
    entry.askedAt = clock();
    const answer = await outbound.get(url, {
      accept: 'application/jwk-set+json, application/json',
      maxBytes: LARGEST,
    });
    if (answer.status !== 200) throw new Error(`the keys were answered with ${answer.status}`);
    entry.find = createLocalJWKSet(JSON.parse(answer.body.toString('utf8')) as JSONWebKeySet);
    entry.fetchedAt = clock();
  }

  /** One fetch for all who wait; a failure leaves what was there. */
  function refresh(url: string, entry: Kept): Promise<void> {
    entry.asking ??= ask(url, entry)
      .catch(() => {})
      .finally(() => {
        delete entry.asking;
      });
    return entry.asking;
  }

  async function fetched(
    url: string,
    ...given: Parameters<JWTVerifyGetKey>
  ): Promise<Awaited<ReturnType<JWTVerifyGetKey>>> {
    const entry = kept.get(url) ?? { askedAt: Number.NEGATIVE_INFINITY, fetchedAt: Number.NEGATIVE_INFINITY };
    remember(kept, url, entry, MOST_KEPT);
    const cool = (): boolean => entry.asking !== undefined || clock() - entry.askedAt >= COOL_DOWN;
    if (clock() - entry.fetchedAt >= FRESH_FOR && cool()) await refresh(url, entry);
    try {
      if (!entry.find) throw new errors.JWKSNoMatchingKey();
      return await entry.find(...given);
    } catch (error) {
      // A key that is not there yet: the client may have rotated since.
      if (!(error instanceof errors.JWKSNoMatchingKey) || !cool()) throw error;
      await refresh(url, entry);
      if (!entry.find) throw error;
      return entry.find(...given);
    }
  }

  /** Finds the key that a JWS header names. The header's own `jwk`, `jku` and `x5u` are never looked at. */
  return function keysOf({ jwks, jwksUri }: AssertionKeys): JWTVerifyGetKey {
    if (jwksUri !== undefined) return (...given) => fetched(jwksUri, ...given);
    if (typeof jwks !== 'object' || jwks === null) throw new errors.JWKSNoMatchingKey();
    const find = inline.get(jwks) ?? createLocalJWKSet(jwks as JSONWebKeySet);
    inline.set(jwks, find);
    return find;
  };
}

export type ClientKeys = ReturnType<typeof clientKeys>;
