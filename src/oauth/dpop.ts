// DPoP (RFC 9449): a token bound to a key that the client proves it holds with every request.
// This file owns what a proof at an endpoint of ours must be: for that endpoint, fresh, and used once. What gets bound
// is for token/, grants/ and pushed/ to say; token/endpoint.ts calls this with the request that a proof came with.

import type { KeyObject } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Work } from '../domain/audit.ts';
import { Refusal } from '../errors.ts';
import type { AdapterNeeds } from './adapter.ts';
import { nonces } from './dpop/nonces.ts';
import { invalidProof, readProof } from './dpop/proof.ts';
import type { HttpCall } from './http-call.ts';
import { useUp } from './replay.ts';

/** How far a client's clock may be off, either way; milliseconds. */
const WINDOW = 300_000;

export type DpopNeeds = {
  issuer: string;
  key: KeyObject;
  store: Pick<AdapterNeeds['store'], 'insert'>;
  clock: Clock;
  /** Whether every proof must carry a nonce of ours. */
  demandNonce: boolean;
};

export { invalidProof };

type Set = (name: string, value: string) => void;

export function dpop({ issuer, key, store, clock, demandNonce }: DpopNeeds) {
  const ours = nonces({ key, clock });

  const needsNonce = (set: Set, why: string): Refusal => {
    set('DPoP-Nonce', ours.current());
    return new Refusal(why, {
      reason: 'dpop_nonce_needed',
      oauth: 'use_dpop_nonce', // RFC 9449 §8: the client makes a new proof with this nonce
      hint: 'Send a new proof with the nonce of the DPoP-Nonce header.',
    });
  };

  /** What reads the proofs of requests to `path`, below the issuer. */
  return (path: string) => ({
    /**
     * The key that a request proves to hold, or undefined when it shows no proof. The proof is used up with the
     * request's commit. Throws a Refusal: `invalid_dpop_proof`, or `use_dpop_nonce` with the header that tells one.
     */
    async verify(ctx: HttpCall, work: Work): Promise<{ jkt: string } | undefined> {
      const { req } = ctx;
      const set: Set = (name, value) => ctx.set(name, value);
      const proofs = req.headersDistinct['dpop'];
      if (!proofs) return undefined;
      const [proof] = proofs;
      // RFC 9449 §4.3, check 1
      if (proof === undefined || proofs.length > 1) throw invalidProof('came more than once');
      // The address is the one that clients know, never what the request's Host says.
      const said = await readProof(proof, { method: String(req.method), url: issuer + path });
      if (said.nonce !== undefined) {
        if (!ours.accepts(said.nonce)) throw needsNonce(set, 'The nonce of the DPoP proof is too old.');
        // RFC 9449 §8.2: the next one, when it is no longer the same
        if (said.nonce !== ours.current()) set('DPoP-Nonce', ours.current());
      } else if (demandNonce) {
        throw needsNonce(set, 'The DPoP proof needs a nonce of this server.');
      } else if (Math.abs(clock() - said.iat * 1000) > WINDOW) {
        // Check 11: a nonce is our own clock. An honest client whose clock is wrong comes back with it.
        throw needsNonce(set, 'The DPoP proof is too old, or made by a clock that is ahead.');
      }
      useUp(store, work, {
        name: `dpop ${said.jkt} ${said.jti}`,
        // Longer than any proof stays good: its iat may lie as far ahead as behind.
        expiresAt: clock() + 2 * WINDOW,
        used: () => invalidProof('has been used before'),
      });
      return { jkt: said.jkt };
    },
  });
}

export type DpopAt = ReturnType<typeof dpop>;
export type Dpop = ReturnType<DpopAt>;
