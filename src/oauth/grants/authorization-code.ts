// The authorization code grant (RFC 6749 §4.1.3, OAuth 2.1 §4.1.3): a code becomes tokens, once.
// Everything is checked before the code is consumed, so that a mistake costs nothing but the answer.

import type { Clock } from '../../clock.ts';
import { sameSecret } from '../../crypto.ts';
import type { Grants } from '../../domain/grants.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Resources } from '../../domain/resources.ts';
import type { Refusal } from '../../errors.ts';
import type { Artifacts } from '../adapter.ts';
import type { GrantType, TokenCall } from '../token/call.ts';
import { asClient, need } from '../token/call-checks.ts';
import type { Issuing } from '../token/issue.ts';
import { findHeld, type HeldCode } from '../token/kept.ts';
import { challengeOf } from '../token/pkce.ts';
import { checkProven, notGood, usedTwice } from '../token/reuse.ts';
import { targetOf } from '../token/target.ts';

const WHAT = 'authorization code';

export function authorizationCode({
  store,
  grants,
  resources,
  policy,
  issue,
  clock,
}: {
  store: Artifacts;
  grants: Grants;
  resources: Resources;
  policy: Policy;
  issue: Issuing;
  clock: Clock;
}): GrantType {
  /** RFC 7636 §4.6, RFC 6749 §4.1.3, RFC 9449 §10. */
  function checkPresenter({ fields, dpop }: TokenCall, held: HeldCode): void {
    const verifier = need(fields, 'code_verifier', 'invalid_grant');
    if (!sameSecret(challengeOf(verifier), held.codeChallenge)) {
      throw notGood(WHAT, 'was asked for with the challenge of another code_verifier');
    }
    // OAuth 2.1 §10.2: redirect_uri was to keep a code out of another's session, which the verifier does, and no code
    // here is without one; so who leaves it out is served. Who sends it, as OAuth 2.0 has it, is held to it.
    const { redirect_uri: redirectUri = held.redirectUri } = fields;
    if (redirectUri !== held.redirectUri) throw notGood(WHAT, 'was sent to another redirect_uri');
    // RFC 9449 §10: a code bound to a key is redeemed with a proof of that key
    if (held.dpopJkt !== undefined && held.dpopJkt !== dpop?.jkt)
      throw notGood(WHAT, 'is bound to another key');
  }

  return async function redeem(call) {
    const { fields, request } = call;
    const client = asClient(call);
    const code = need(fields, 'code');
    const found = await findHeld<HeldCode>(store, 'AuthorizationCode', code, clock());
    if (!found) throw notGood(WHAT, 'is not known');
    const { row, held } = found;
    if (held.clientId !== client.id) throw notGood(WHAT, 'is not known');
    checkProven(WHAT, held, client);
    request.accountId = held.accountId;
    if (found.expired) throw notGood(WHAT, 'has run out');
    const family = grants.familyOf(found.behind);
    if (!family || family.clientId !== client.id)
      throw notGood(WHAT, 'belongs to a connection that has ended');
    // Who signed out a moment after allowing, perhaps on a machine of somebody else's, is done there.
    if (held.sessionUid !== undefined && !found.inSession)
      throw notGood(WHAT, 'belongs to a sign-in that has ended');
    checkPresenter(call, held);
    const { grantId: familyId, accountId } = held;
    const reused = (): Refusal => usedTwice(grants, request, { what: WHAT, familyId, accountId });
    if (row.consumedAt !== null) throw reused();
    const target = await targetOf({
      held,
      client: client.metadata,
      family,
      asked: call.resources,
      resources,
      policy,
    });
    request.work.add({ ...store.consume(row.key, clock()), lost: async () => reused() });
    return issue.tokens({
      request,
      client,
      held,
      family,
      target,
      generation: 0,
      action: 'token.issued',
      nonce: held.nonce,
      jkt: call.dpop?.jkt,
    });
  };
}
