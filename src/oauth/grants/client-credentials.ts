// The client credentials grant (RFC 6749 §4.4): a program acts for itself, and nobody is asked. So only a client that
// an operator entered may, only by proving itself, and never beyond the ceiling that the operator set (THREATS B17).

import type { Audit } from '../../domain/audit.ts';
import type { Resource, Resources } from '../../domain/resources.ts';
import { Refusal } from '../../errors.ts';
import type { ClientCaller, GrantType, TokenCall } from '../token/call.ts';
import { asClient } from '../token/call-checks.ts';
import type { Issuing } from '../token/issue.ts';
import { machineCeiling, machineScopes } from '../token/machine.ts';
import { wrongTarget } from '../token/target.ts';

export function clientCredentials({
  resources,
  issue,
  audit,
}: {
  resources: Resources;
  issue: Pick<Issuing, 'accessToken'>;
  audit: Audit;
}): GrantType {
  /** RFC 8707 §2: one that the client names, or the only one that it can mean. */
  function resourceOf(client: ClientCaller, { resources: asked }: TokenCall): Resource {
    if (asked.length > 1) throw wrongTarget('A token is for one resource; name one of them.');
    const within = machineCeiling(client.metadata).map((each) => each.resource);
    if (asked.length === 0 && within.length > 1)
      throw wrongTarget('Name the resource: there is more than one that this client may call.');
    const resource = resources.find(asked[0] ?? within[0] ?? '');
    if (!resource || machineScopes(client.metadata, resource).length === 0)
      throw wrongTarget('This client may not call the resource.');
    return resource;
  }

  return async function actForItself(call) {
    const client = asClient(call);
    // RFC 6749 §4.4: "MUST only be used by confidential clients"
    if (client.method === 'none' || (client.origin !== 'declared' && client.origin !== 'added')) {
      throw new Refusal('Only a client that the operator of this server entered may act for itself.', {
        reason: 'client_not_entered',
        oauth: 'unauthorized_client',
        hint: 'Ask the operator to enter this client with client_credentials and a ceiling.',
      });
    }
    const resource = resourceOf(client, call);
    const ceiling = machineScopes(client.metadata, resource);
    const asked = (call.fields['scope'] ?? '').split(' ').filter((word) => word !== '');
    // unknown scopes are left out, as everywhere; the answer says what was given
    const scopes = asked.length === 0 ? ceiling : ceiling.filter((name) => asked.includes(name));
    if (scopes.length === 0) {
      throw new Refusal('This client may have none of the scopes that it asks for.', {
        reason: 'scope_refused',
        oauth: 'invalid_scope',
      });
    }
    const { request } = call;
    const answer = issue.accessToken(request, {
      subject: client.id, // RFC 9068 §2.2: nobody stands behind it but the client
      clientId: client.id,
      resource,
      scopes,
      familyId: null,
      jkt: call.dpop?.jkt,
    });
    audit.record(request.work, {
      action: 'token.issued',
      clientId: client.id,
      resource: resource.uri,
      traceId: request.traceId,
      detail: { for: 'the client itself', scopes },
    });
    return answer; // RFC 6749 §4.4.3: "A refresh token SHOULD NOT be included"
  };
}
