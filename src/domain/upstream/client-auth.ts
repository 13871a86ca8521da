// How we show an upstream's token endpoint who asks (RFC 6749 §2.3.1, RFC 7523 §2.2).

import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import * as oauth from 'oauth4webapi';
import type { OAuthUpstream } from '../../config.ts';

const CURVES: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function algorithm(key: KeyObject): Parameters<KeyObject['toCryptoKey']>[0] {
  if (key.asymmetricKeyType === 'ec')
    return { name: 'ECDSA', namedCurve: CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? '' };
  if (key.asymmetricKeyType === 'ed25519') return 'Ed25519';
  return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
}

/** RFC 7515 §4.1.8; Entra finds the key by it. */
const thumbprint = (pem: string): string | undefined =>
  pem.includes('BEGIN CERTIFICATE')
    ? Buffer.from(new X509Certificate(pem).fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')
    : undefined;

async function byPrivateKey(pem: string, audience: string | undefined): Promise<oauth.ClientAuth> {
  const key = createPrivateKey(pem);
  const kid = await calculateJwkThumbprint(createPublicKey(key).export({ format: 'jwk' }));
  const x5t = thumbprint(pem);
  return oauth.PrivateKeyJwt(
    { key: key.toCryptoKey(algorithm(key), false, ['sign']), kid },
    {
      [oauth.modifyAssertion](header, payload) {
        if (x5t) header['x5t#S256'] = x5t;
        if (audience) payload['aud'] = audience;
      },
    },
  );
}

/**
 * The authentication of `declaration` at the token endpoint of `metadata`. `audience` where the upstream wants another
 * one in a client assertion than its issuer.
 */
export async function clientAuth(
  { credential, clientAuth: wanted }: OAuthUpstream,
  metadata: oauth.AuthorizationServer,
  audience?: string,
): Promise<oauth.ClientAuth> {
  if (!credential) return oauth.None();
  if (credential.kind === 'private_key') return byPrivateKey(credential.value.reveal(), audience);
  // RFC 8414 §2: "If omitted, the default is "client_secret_basic"".
  const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const post = !methods.includes('client_secret_basic') && methods.includes('client_secret_post');
  const secret = credential.value.reveal();
  return (wanted ?? (post ? 'post' : 'basic')) === 'post'
    ? oauth.ClientSecretPost(secret)
    : oauth.ClientSecretBasic(secret);
}
