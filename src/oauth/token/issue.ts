// Issues: an access token (JWT or opaque, as its resource wants), a refresh token, an id_token. Every token of every
// grant type is made here, and what is written of it joins the request's commit, with the record that it was made.

import { hash } from 'node:crypto';
import { type Clock, seconds } from '../../clock.ts';
import type { Lifetimes, SigningAlgorithm } from '../../config.ts';
import { random } from '../../crypto.ts';
import type { Audit } from '../../domain/audit.ts';
import type { Family, Grants } from '../../domain/grants.ts';
import type { SigningKey } from '../../domain/keys.ts';
import type { Resource } from '../../domain/resources.ts';
import type { Artifacts } from '../adapter.ts';
import type { RefreshTokens } from '../refresh-tokens.ts';
import type { OAuthRequest } from '../request.ts';
import { allowedTools } from '../resources.ts';
import type { ClientCaller, TokenAnswer } from './call.ts';
import { signedJwt } from './jws.ts';
import { type Held, type HeldRefreshToken, heldRow, words } from './kept.ts';
import type { Target } from './target.ts';

/** What an access token says. */
export type AccessTokenTerms = {
  /** The account, or the client where nobody stands behind it (RFC 9068 §2.2). */
  subject: string;
  clientId: string;
  resource: Resource;
  scopes: readonly string[];
  familyId: string | null;
  /** The thumbprint of the key that it is bound to (RFC 9449 §6). */
  jkt?: string | undefined;
  /** Further claims of a JWT. */
  claims?: Record<string, unknown>;
};

export function issuing({
  issuer,
  signingKey,
  store,
  refreshTokens,
  grants,
  audit,
  clock,
  lifetimes,
}: {
  issuer: string;
  /** The key that signs now. */
  signingKey: (algorithm: SigningAlgorithm) => SigningKey;
  store: Artifacts;
  refreshTokens: RefreshTokens;
  grants: Grants;
  audit: Audit;
  clock: Clock;
  lifetimes: Lifetimes;
}) {
  /** The value and how it is answered (RFC 6749 §5.1). */
  function accessToken({ work }: OAuthRequest, terms: AccessTokenTerms) {
    const { subject, clientId, resource, familyId, jkt } = terms;
    const iat = seconds(clock());
    const exp = iat + resource.lifetime;
    const scope = terms.scopes.join(' ');
    let value: string;
    if (resource.format === 'jwt') {
      value = signedJwt(signingKey(resource.algorithm), 'at+jwt', {
        iss: issuer,
        sub: subject,
        aud: resource.uri, // what the operator wrote, to the byte (RFC 9068 §3)
        client_id: clientId,
        scope,
        jti: random(16),
        iat,
        exp,
        ...(jkt === undefined ? {} : { cnf: { jkt } }),
        ...terms.claims,
      });
    } else {
      value = random();
      const kept = { accountId: subject, clientId, aud: resource.uri, scope, iat, exp };
      const payload = jkt === undefined ? kept : { ...kept, jkt };
      work.add(store.insert(heldRow('AccessToken', value, payload, { familyId, expiresAt: exp * 1000 })));
    }
    const tokenType = jkt === undefined ? 'Bearer' : 'DPoP';
    return { access_token: value, token_type: tokenType, expires_in: resource.lifetime, scope };
  }

  function refreshToken({ work }: OAuthRequest, family: Family, payload: HeldRefreshToken): string {
    const value = refreshTokens.value(family.id, payload.rotations ?? 0);
    const now = clock();
    // Never longer than the decision it hangs from.
    const until = Math.max(...family.grants.map((grant) => grant.expiresAt));
    const expiresAt = Math.min(now + lifetimes.refreshIdle * 1000, until);
    // It may be there already, given out to another request inside the grace window.
    work.add(store.insert(heldRow('RefreshToken', value, payload, { familyId: family.id, expiresAt })));
    return value;
  }

  /** OpenID Connect Core §2, with nothing of the person but who it is. */
  function idToken(held: Held, token: string, nonce: string | undefined): string {
    const now = seconds(clock());
    return signedJwt(signingKey('ES256'), undefined, {
      iss: issuer,
      sub: held.accountId,
      aud: held.clientId,
      iat: now,
      exp: now + lifetimes.accessToken,
      ...(held.authTime === undefined ? {} : { auth_time: held.authTime }),
      ...(nonce === undefined ? {} : { nonce }),
      at_hash: hash('sha256', token, 'buffer').subarray(0, 16).toString('base64url'),
    });
  }

  return {
    accessToken,

    /**
     * Everything that a person's decision gives a client: the answer of the token endpoint. `generation` is that of
     * the refresh token that comes with it; `nonce` is told in the id_token, where one was asked for.
     */
    tokens(given: {
      request: OAuthRequest;
      client: ClientCaller;
      held: Held;
      family: Family;
      target: Target;
      generation: number;
      action: 'token.issued' | 'token.refreshed';
      nonce?: string | undefined;
      /** The key of this request's proof, and the key that the refresh token is bound to. */
      jkt?: string | undefined;
    }): TokenAnswer {
      const { request, client, held, family, target, jkt } = given;
      const { resource, grant, scopes } = target;
      const tools = allowedTools(resource, grant, scopes, { partialOnly: true });
      const answer = accessToken(request, {
        subject: held.accountId,
        clientId: client.id,
        resource,
        scopes,
        familyId: family.id,
        jkt,
        claims: {
          grant_id: grant.id,
          grant_version: grant.version,
          family_id: family.id,
          ...(tools ? { tools } : {}),
        },
      });
      const { scope, access_token: token, ...rest } = answer;
      const more: TokenAnswer = {};
      const { accountId, clientId, grantId, authTime } = held;
      if ((client.metadata['grant_types'] as string[] | undefined)?.includes('refresh_token')) {
        more['refresh_token'] = refreshToken(request, family, {
          accountId,
          clientId,
          grantId,
          ...(held.scope === undefined ? {} : { scope: held.scope }),
          ...(held.resource === undefined ? {} : { resource: held.resource }),
          ...(authTime === undefined ? {} : { authTime }),
          rotations: given.generation,
          ...(client.method === 'none' ? {} : { method: client.method }),
          // RFC 9449 §5: a public client's is bound; a confidential client's is bound by its authentication
          ...(jkt === undefined || client.method !== 'none' ? {} : { jkt }),
        });
      }
      if (words(held.scope).includes('openid')) more['id_token'] = idToken(held, token, given.nonce);
      grants.use(request.work, family.id, clock() + resource.lifetime * 1000);
      audit.record(request.work, {
        action: given.action,
        accountId,
        clientId: client.id,
        resource: resource.uri,
        grantId: grant.id,
        familyId: family.id,
        traceId: request.traceId,
      });
      return { access_token: token, ...rest, ...more, scope };
    },
  };
}

export type Issuing = ReturnType<typeof issuing>;
