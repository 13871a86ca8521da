// The refresh token grant (RFC 6749 §6): every use makes a successor (OAuth 2.1 §4.3.1). Used a second time it is
// forgiven inside the grace window, where honest clients race and lose answers; after it the family ends.

import type { Clock } from '../../clock.ts';
import type { Grants } from '../../domain/grants.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Resources } from '../../domain/resources.ts';
import type { Artifacts } from '../adapter.ts';
import type { RefreshTokens } from '../refresh-tokens.ts';
import type { GrantType } from '../token/call.ts';
import { asClient, need } from '../token/call-checks.ts';
import type { Issuing } from '../token/issue.ts';
import { findHeld, type HeldRefreshToken } from '../token/kept.ts';
import { checkProven, notGood, usedTwice } from '../token/reuse.ts';
import { targetOf } from '../token/target.ts';

const WHAT = 'refresh token';

export function refreshTokenGrant({
  store,
  refreshTokens,
  grants,
  resources,
  policy,
  issue,
  clock,
}: {
  store: Artifacts;
  refreshTokens: RefreshTokens;
  grants: Grants;
  resources: Resources;
  policy: Policy;
  issue: Issuing;
  clock: Clock;
}): GrantType {
  return async function refresh(call) {
    const { fields, request } = call;
    const client = asClient(call);
    const value = need(fields, 'refresh_token');
    const found = await findHeld<HeldRefreshToken>(store, 'RefreshToken', value, clock());
    // what another client brings is refused as if it had never been, and ends nothing
    if (!found || found.held.clientId !== client.id) throw notGood(WHAT, 'is not known');
    const { row, held } = found;
    checkProven(WHAT, held, client);
    request.accountId = held.accountId;
    if (found.expired) throw notGood(WHAT, 'has run out');
    const family = grants.familyOf(found.behind);
    if (!family || family.clientId !== client.id)
      throw notGood(WHAT, 'belongs to a connection that has ended');
    // RFC 9449 §5: whoever has another key has stolen the token, or lost the key
    if (held.jkt !== undefined && held.jkt !== call.dpop?.jkt) throw notGood(WHAT, 'is bound to another key');
    const { grantId: familyId, accountId, rotations = 0 } = held;
    const reused = () => usedTwice(grants, request, { what: WHAT, familyId, accountId });
    const again = row.consumedAt !== null;
    if (again && !(await refreshTokens.forgives(row, clock()))) throw reused();
    const narrowTo = fields['scope'];
    const target = await targetOf({
      held,
      client: client.metadata,
      family,
      asked: call.resources,
      narrowTo,
      resources,
      policy,
    });
    if (!again) {
      request.work.add({
        ...store.consume(row.key, clock()),
        async lost() {
          const now = await store.find(row.key);
          return now && (await refreshTokens.forgives(now, clock())) ? 'go on' : reused();
        },
      });
    }
    return issue.tokens({
      request,
      client,
      held,
      family,
      target,
      generation: rotations + 1,
      action: 'token.refreshed',
      jkt: call.dpop?.jkt,
    });
  };
}
