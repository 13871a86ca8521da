// Tokens bound to a key (RFC 9449): whoever sends one must prove, with every request, that they hold that key.
// A token that is bound is never taken without the proof, whatever the options say.
import { base64url, calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { proofNonces } from './nonces.ts';
import type { Settings } from './options.ts';
import { usedProofs } from './proof-memory.ts';
import { badToken, Refused, type Scheme } from './refusal.ts';
import type { Token } from './token.ts';

/** What the guard must know of a request that carries a proof. `path` may have a query. */
export type Proven = { scheme: Scheme; proofs: readonly string[]; method: string; path: string };

export type DpopClaims = { jti: string; iat: number; nonce?: unknown };

/** Seconds by which a client's clock may be off, either way. */
const window = 300;
const longest = 8 * 1024;

const badProof = (message: string, cause?: unknown): Refused =>
  new Refused(
    { reason: 'bad_proof', status: 401, error: 'invalid_dpop_proof', message, scheme: 'DPoP' },
    cause,
  );

/** A function that throws Refused (401) unless the token may be sent this way by whoever sent it. */
export function keyBinding(settings: Settings) {
  const { dpop, resource, now } = settings;
  const seen = dpop.seen ?? usedProofs(now);
  const nonces = dpop.nonceSecret === undefined ? undefined : proofNonces(dpop.nonceSecret, now);

  return async (token: Token, { scheme, proofs, method, path }: Proven): Promise<void> => {
    const key = boundTo(token);
    if (key === undefined) {
      if (scheme === 'Bearer' && !dpop.required) return;
      const message = 'The access token is not bound to a key';
      throw badToken('not_bound', message, undefined, undefined, 'DPoP');
    }
    // RFC 9449 §7.2: a bound token sent as Bearer is what a thief would send.
    if (scheme === 'Bearer') {
      const message = 'The access token is bound to a key: send it with the DPoP scheme and a proof';
      throw badToken('bound_as_bearer', message, undefined, undefined, 'DPoP');
    }
    const [proof] = proofs;
    if (proof === undefined || proofs.length > 1) throw badProof('Send exactly one DPoP proof');
    const { jkt, claims } = await read(proof);
    if (claims.htm !== method) throw badProof('The DPoP proof is for another method');
    if (!targets(claims.htu, resource, path)) throw badProof('The DPoP proof is for another address');
    if (claims.ath !== (await hash(token.raw))) throw badProof('The DPoP proof is for another access token');
    if (jkt !== key) {
      const message = 'The DPoP proof is made with another key than the access token is bound to';
      throw badToken('wrong_key', message, undefined, undefined, 'DPoP');
    }
    const { jti, iat, nonce } = claims;
    if (typeof jti !== 'string' || jti === '' || jti.length > 512 || typeof iat !== 'number') {
      throw badProof('The DPoP proof lacks jti or iat');
    }
    if (nonces && !(await nonces.accepts(nonce))) {
      throw new Refused({
        reason: 'nonce_needed',
        status: 401,
        error: 'use_dpop_nonce', // RFC 9449 §9
        message: 'The DPoP proof needs a nonce of this server',
        scheme: 'DPoP',
        nonce: await nonces.current(),
      });
    }
    // A nonce is our own clock, and better than the client's (RFC 9449 §4.3, check 11).
    if (!nonces && Math.abs(now() / 1000 - iat) > window) throw badProof('The DPoP proof is not of now');
    if (!(await seen(`${jkt}.${jti}`, now() + 2 * window * 1000)))
      throw badProof('The DPoP proof has been used before');
  };
}

/** The thumbprint of the key that a token is bound to. A binding that cannot be checked must not become none. */
function boundTo({ claims }: Token): string | undefined {
  if (claims.cnf === undefined) return undefined;
  const { jkt, ...others } = Object(claims.cnf) as Record<string, unknown>;
  if (typeof jkt !== 'string' || Object.keys(others).length > 0) {
    throw badToken('bad_claim', 'The access token is bound in a way that this server cannot check');
  }
  return jkt;
}

async function read(proof: string): Promise<{ jkt: string; claims: Record<string, unknown> }> {
  if (proof.length > longest) throw badProof('The DPoP proof is longer than 8 KiB');
  try {
    // EmbeddedJWK takes public asymmetric keys only (RFC 9449 §4.3, checks 5 to 7).
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: proofAlgorithms,
      clockTolerance: window,
    });
    return { jkt: await calculateJwkThumbprint(protectedHeader.jwk ?? {}), claims: payload };
  } catch (cause) {
    throw badProof('The DPoP proof is not one, or its signature does not fit', cause);
  }
}

export const proofAlgorithms = ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256'];

/**
 * RFC 9449 §4.3, check 9: the address without query and fragment. The origin is the resource's, never the Host's;
 * the path is the request's, or the resource's own where a proxy has rewritten it.
 */
function targets(htu: unknown, resource: string, path: string): boolean {
  const named = typeof htu === 'string' && URL.canParse(htu) ? new URL(htu) : undefined;
  const asked = new URL(resource).origin + (/^\/[^?#]*/.exec(path)?.[0] ?? '/');
  return named !== undefined && [asked, resource].some((each) => bare(new URL(each)) === bare(named));
}

const bare = (url: URL): string => url.origin + url.pathname;

const hash = async (token: string): Promise<string> =>
  base64url.encode(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))));
