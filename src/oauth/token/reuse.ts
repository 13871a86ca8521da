// A code or a refresh token that is not good: most of all one that comes a second time, when one of the two who bring
// it is a thief (RFC 9700 §4.14.2).

import type { Grants } from '../../domain/grants.ts';
import { Refusal } from '../../errors.ts';
import type { OAuthRequest } from '../request.ts';
import type { ClientCaller } from './call.ts';

/** Ends the family, in a commit that the refusal does not take back; the answer is the Refusal to throw. */
export function usedTwice(
  grants: Grants,
  { work, traceId, ip, clientId }: OAuthRequest,
  { what, familyId, accountId }: { what: string; familyId: string; accountId: string },
): Refusal {
  grants.endFamily(work, familyId, 'reuse', { accountId, clientId, traceId, detail: { ip } });
  return new Refusal(`This ${what} has been used before.`, {
    reason: 'used_twice',
    oauth: 'invalid_grant',
    hint: 'Connect again; everything that came from it has been ended.',
  });
}

/** What is said of a code or token that is not good, whatever the reason: it is not for strangers to know. */
export const notGood = (what: string, why: string): Refusal =>
  new Refusal(`The ${what} ${why}.`, {
    reason: 'grant_refused',
    oauth: 'invalid_grant',
    hint: 'Connect again.',
  });

/**
 * What was made for a client that proves itself is not for one that has stopped doing so: whoever has taken over the
 * place where its metadata is published would need nothing but a stolen code. Throws a Refusal invalid_grant; the
 * client asks anew, and so is its person, to whom it is another client by then.
 */
export function checkProven(what: string, { method }: { method?: string }, client: ClientCaller): void {
  if (method !== undefined && client.method === 'none') {
    throw notGood(what, 'was made for a client that proves itself, and this one does not any more');
  }
}
