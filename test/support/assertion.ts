// Client assertions (RFC 7523), honest ones and ones with something wrong. Called by tests of client authentication.

import { randomUUID } from 'node:crypto';
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  SignJWT,
} from 'jose';

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** A key of a client: the private half, and the public one as it is registered. */
export async function clientKey(alg = 'ES256', kid = 'k1') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), alg, kid, use: 'sig' } as JWK };
}

export type ClientKey = Awaited<ReturnType<typeof clientKey>>;

/** Signed by `key` for `audience`; `claims` and `header` are put over an honest one, `undefined` leaves one out. */
export function assertion(
  key: Pick<ClientKey, 'alg' | 'kid'> & { privateKey: CryptoKey | Uint8Array },
  clientId: string,
  audience: string,
  claims: Record<string, unknown> = {},
  header: { [name in keyof JWTHeaderParameters]?: JWTHeaderParameters[name] | undefined } = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const honest = {
    iss: clientId,
    sub: clientId,
    aud: audience,
    jti: randomUUID(),
    iat: now,
    exp: now + 60,
    ...claims,
  };
  return new SignJWT(JSON.parse(JSON.stringify(honest)))
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header } as JWTHeaderParameters)
    .sign(key.privateKey);
}

/** As form fields. */
export const asserted = (client_assertion: string): Record<string, string> => ({
  client_assertion,
  client_assertion_type: ASSERTION_TYPE,
});
