// The issuer's public keys: fetched once, refreshed now and then, and used on while the issuer is away.
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import type { IssuerMetadata } from './issuer.ts';
import type { Settings } from './options.ts';
import { badToken, Refused, unavailable } from './refusal.ts';

// Tokens live for minutes and nobody gets a new one from an issuer that is down; a day is a bound, not a promise.
const staleFor = 86_400_000;

/** Finds the key for a JWT. Throws Refused: 401 for a key the issuer does not have, 503 when it cannot be asked. */
export function issuerKeys(settings: Settings, metadata: () => Promise<IssuerMetadata>): JWTVerifyGetKey {
  const { now, fetch, cooldown, refreshAfter } = settings;
  let set:
    | { uri: string; keys: ReturnType<typeof createRemoteJWKSet>; freshAt: number; triedAt: number }
    | undefined;

  async function current() {
    const { jwksUri } = await metadata();
    if (set?.uri !== jwksUri.href) {
      const keys = createRemoteJWKSet(jwksUri, {
        [customFetch]: fetch,
        cooldownDuration: cooldown * 1000,
        // Age is ours to judge, below: jose would refuse every token once the keys are old and the issuer away.
        cacheMaxAge: Number.POSITIVE_INFINITY,
      });
      await keys.reload();
      set = { uri: jwksUri.href, keys, freshAt: now(), triedAt: now() };
    }
    if (now() - set.freshAt > refreshAfter * 1000 && now() - set.triedAt > cooldown * 1000) {
      set.triedAt = now();
      try {
        await set.keys.reload();
        set.freshAt = now();
      } catch (cause) {
        if (now() - set.freshAt > staleFor) throw cause;
      }
    }
    return set.keys;
  }

  return async (header, token) => {
    try {
      return await (await current())(header, token);
    } catch (cause) {
      if (cause instanceof Refused) throw cause;
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) {
        throw badToken(
          'unknown_key',
          'The access token is signed with an unknown key',
          `kid ${header?.kid}`,
          cause,
        );
      }
      if (cause instanceof errors.JOSENotSupported) throw cause;
      throw unavailable('keys_unreachable', String(cause), cause);
    }
  };
}
