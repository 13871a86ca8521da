// Plays one profile: what the client sends, in its order and its shape, from being known to being gone.
// Called by profiles.test.ts, which says what must have come of it.

import { randomUUID } from 'node:crypto';
import { type CryptoKey, SignJWT } from 'jose';
import { type Answer, pkce, search } from '../support/flow.ts';
import type { Server } from '../support/server.ts';
import type { Profile } from './profile.ts';

export type Known = { client_id: string; client_secret?: string; token_endpoint_auth_method?: string };
type Fields = Record<string, string | undefined>;

export async function replayed(server: Server, profile: Profile, known: Known, key?: CryptoKey) {
  const { verifier, challenge } = pkce();
  const { redirectUri, scope, resource, prompt, state } = profile;
  const asked = {
    response_type: 'code',
    client_id: known.client_id,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    redirect_uri: redirectUri,
    state,
    scope,
    prompt,
    resource,
  };
  const callback = await server.alex().approve(`${server.issuer}/authorize?${search(asked)}`);

  /** As this client authenticates: with nothing, a secret in its place, or a key. */
  async function token(path: string, fields: Fields): Promise<Answer> {
    const { client_id, client_secret: secret, token_endpoint_auth_method: method } = known;
    if (key) {
      const assertion = await new SignJWT()
        .setProtectedHeader({ alg: profile.keys ?? '', kid: 'k1' })
        .setIssuer(client_id)
        .setSubject(client_id)
        .setAudience(server.issuer)
        .setJti(randomUUID())
        .setIssuedAt()
        .setExpirationTime('2m')
        .sign(key);
      const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
      const proof = { client_assertion: assertion, client_assertion_type: type };
      return server.post(path, search({ client_id, ...fields, ...proof }));
    }
    if (secret && method === 'client_secret_basic')
      return server.post(path, search(fields), { id: client_id, secret });
    return server.post(path, search({ client_id, client_secret: secret, ...fields }));
  }

  const redeemed = await token('/token', {
    grant_type: 'authorization_code',
    code: new URL(callback).searchParams.get('code') ?? '',
    code_verifier: verifier,
    redirect_uri: redirectUri,
    resource: profile.redeems?.resource === false ? undefined : resource,
  });
  return {
    callback,
    redeemed,
    refresh: (refreshToken: string, granted: string): Promise<Answer> =>
      token('/token', {
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
        scope: profile.refreshes?.scope ? granted : undefined,
        resource: profile.refreshes?.resource ? resource : undefined,
      }),
    revoke: (refreshToken: string): Promise<Answer> =>
      token('/revoke', { token: refreshToken, token_type_hint: 'refresh_token' }),
  };
}
