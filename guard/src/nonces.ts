// Nonces for DPoP proofs (RFC 9449 §9): a MAC of the time. Nothing is stored; replicas with one secret know each other's.
import { base64url } from 'jose';

const slot = 150_000;
const encoder = new TextEncoder();

export function proofNonces(secret: string, now: () => number) {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['sign', 'verify']);
  const message = (age: number) => encoder.encode(`dpop nonce ${Math.floor(now() / slot) - age}`);

  return {
    /** The one to give out now. */
    current: async (): Promise<string> =>
      base64url.encode(new Uint8Array(await crypto.subtle.sign('HMAC', await key, message(0)))),
    /** Whether it was given out in these or the previous two and a half minutes. */
    async accepts(nonce: unknown): Promise<boolean> {
      if (typeof nonce !== 'string' || !/^[\w-]{43}$/.test(nonce)) return false;
      const bytes = new Uint8Array(base64url.decode(nonce));
      for (const age of [0, 1]) {
        if (await crypto.subtle.verify('HMAC', await key, bytes, message(age))) return true;
      }
      return false;
    },
  };
}
