// Proof Key for Code Exchange (RFC 7636), by S256 alone: `plain` is not offered (OAuth 2.1 §7.5).

import { hash } from 'node:crypto';
import { Refusal } from '../../errors.ts';

/** RFC 7636 §4.2. Throws a Refusal invalid_grant for what no verifier looks like (§4.1). */
export function challengeOf(verifier: string): string {
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) {
    throw new Refusal('code_verifier has 43 to 128 letters, digits, or any of "-._~".', {
      reason: 'verifier_malformed',
      oauth: 'invalid_grant',
    });
  }
  return hash('sha256', verifier, 'base64url');
}
