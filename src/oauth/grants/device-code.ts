// The device code grant (RFC 8628 §3.4): a device asks again and again whether its person has answered yet.

import type { Grants } from '../../domain/grants.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Resources } from '../../domain/resources.ts';
import { Refusal } from '../../errors.ts';
import type { DeviceCodes } from '../device/codes.ts';
import type { GrantType } from '../token/call.ts';
import { asClient, need } from '../token/call-checks.ts';
import type { Issuing } from '../token/issue.ts';
import { checkProven, notGood, usedTwice } from '../token/reuse.ts';
import { targetOf } from '../token/target.ts';

const WHAT = 'device code';

const refusal = (oauth: string, message: string): Refusal =>
  new Refusal(message, { reason: `device_${oauth}`, oauth });

export function deviceCode({
  codes,
  grants,
  resources,
  policy,
  issue,
}: {
  codes: DeviceCodes;
  grants: Grants;
  resources: Resources;
  policy: Policy;
  issue: Issuing;
}): GrantType {
  return async function redeem(call) {
    const { fields, request } = call;
    const client = asClient(call);
    const value = need(fields, 'device_code');
    const found = await codes.find(value);
    if (!found || found.code.clientId !== client.id) throw notGood(WHAT, 'is not known');
    const { row, code } = found;
    checkProven(WHAT, code, client);
    // RFC 8628 §3.5
    if (found.expired) throw refusal('expired_token', 'The code has run out; ask for a new one.');
    await codes.asks(request.work, value);
    if (code.state === 'pending') throw refusal('authorization_pending', 'Nobody has answered yet.');
    if (code.state !== 'allowed') throw refusal('access_denied', 'The person did not allow it.');
    const { accountId, familyId, scope, resources: granted } = code;
    request.accountId = accountId;
    const reused = (): Refusal => usedTwice(grants, request, { what: WHAT, familyId, accountId });
    if (row.consumedAt !== null) throw reused();
    const family = await grants.family(familyId);
    if (!family) throw notGood(WHAT, 'belongs to a connection that has ended');
    const held = { accountId, clientId: client.id, grantId: familyId, scope, resource: granted };
    const asked = call.resources;
    const target = await targetOf({ held, client: client.metadata, family, asked, resources, policy });
    codes.consume(request.work, row, async () => reused());
    return issue.tokens({
      request,
      client,
      held,
      family,
      target,
      generation: 0,
      action: 'token.issued',
      jkt: call.dpop?.jkt,
    });
  };
}
