// JWT access tokens at introspection and revocation: they are not stored, so one that verifies stands in for itself.
// The engine, which would refuse a JWT, is handed a name for it and finds the payload under that name.

import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { random } from '../crypto.ts';
import type { Grants } from '../domain/grants.ts';
import { request } from './request.ts';

const ALGORITHMS = ['ES256', 'RS256', 'EdDSA'];

function looksLikeJwt(token: string): boolean {
  if (token.split('.').length !== 3) return false;
  try {
    return decodeProtectedHeader(token) !== undefined;
  } catch {
    return false;
  }
}

export function presentedTokens({
  issuer,
  jwks,
  grants,
}: {
  issuer: string;
  jwks: () => JSONWebKeySet;
  grants: Grants;
}) {
  let built: { from: JSONWebKeySet; find: ReturnType<typeof createLocalJWKSet> } | undefined;
  function keys() {
    const from = jwks();
    if (built?.from !== from) built = { from, find: createLocalJWKSet(from) };
    return built.find;
  }

  /** A name under which nothing is found unless `token` is one of ours, unexpired and not revoked. */
  return async function present(token: string): Promise<string> {
    if (!looksLikeJwt(token)) return token;
    const handle = `presented-${random()}`;
    try {
      const { payload } = await jwtVerify(token, keys(), {
        issuer,
        typ: 'at+jwt', // RFC 9068 §4: no other kind of token is an access token
        algorithms: ALGORITHMS,
        requiredClaims: ['jti', 'exp', 'aud', 'family_id'],
      });
      if (await grants.isRevoked(String(payload.jti))) return handle;
      request().presented = {
        handle,
        payload: {
          kind: 'AccessToken',
          jti: payload.jti,
          accountId: payload.sub,
          clientId: payload['client_id'],
          grantId: payload['family_id'],
          aud: payload.aud,
          scope: payload['scope'],
          iat: payload.iat,
          exp: payload.exp,
        },
      };
    } catch {
      // RFC 7662 §2.2: what is wrong with a token is not told; it is inactive
    }
    return handle;
  };
}
