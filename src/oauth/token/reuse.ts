// A code or a refresh token that comes a second time: whoever brings it, one of the two is a thief (RFC 9700 §4.14.2).

import type { Grants } from '../../domain/grants.ts';
import { Refusal } from '../../errors.ts';
import type { OAuthRequest } from '../request.ts';

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
