// The pushed authorization request endpoint (RFC 9126 §2): a client says on its own connection, authenticated as at
// the token endpoint, what its person will be asked, and is given a name for it that a browser can carry.

import { Refusal } from '../../errors.ts';
import type { Fields } from '../authorization-request.ts';
import type { BegunRequests } from '../begun.ts';
import type { ResourceIndicators } from '../resources.ts';
import type { TokenAnswer, TokenCall } from '../token/call.ts';
import { asClient, checkGrantType } from '../token/call-checks.ts';
import { checkParameters, checkTarget } from './checks.ts';
import { PUSHED_LIFE, type PushedRequests } from './requests.ts';

// Anybody may push in the name of a public client: what is kept of it is no more than an address could hold.
const LONGEST = 16 * 1024;

/** What proves the client is of this request alone, and is kept nowhere. */
const CREDENTIALS = ['client_secret', 'client_assertion', 'client_assertion_type'];

/** Whether this client has registered this redirect URI. */
export type RedirectAllowed = (call: TokenCall, clientId: string, uri: string) => Promise<boolean>;

export function pushedAuthorization({
  pushed,
  indicators,
  straight,
  redirectAllowed,
  begun,
}: {
  pushed: PushedRequests;
  indicators: ResourceIndicators;
  straight: (fields: Fields) => Fields;
  redirectAllowed: RedirectAllowed;
  begun: BegunRequests;
}) {
  /** RFC 9449 §10.1: a proof here says which key the code will be for, as `dpop_jkt` does; both must say the same. */
  function boundTo(sent: string | undefined, jkt: string | undefined): Fields {
    if (sent !== undefined && jkt !== undefined && sent !== jkt) {
      throw new Refusal('dpop_jkt is of another key than the DPoP proof.', {
        reason: 'dpop_jkt_other',
        oauth: 'invalid_dpop_proof',
      });
    }
    const key = jkt ?? sent;
    return key === undefined ? {} : { dpop_jkt: key };
  }

  return async function push(call: TokenCall): Promise<TokenAnswer> {
    const client = asClient(call);
    const { id, method, metadata } = client;
    // in the name of a client without proof it is anybody; one that proves itself pushes for all of its people
    if (method === 'none') begun.count(call.request.ip);
    checkGrantType(client, 'authorization_code', 'to send people here');
    const fields: Fields = { ...call.fields, client_id: id, resource: [...call.resources] };
    for (const name of CREDENTIALS) delete fields[name];
    Object.assign(fields, boundTo(call.fields['dpop_jkt'], call.dpop?.jkt));
    if (JSON.stringify(fields).length > LONGEST) {
      throw new Refusal('The authorization request is too long.', { reason: 'form_malformed', status: 413 });
    }
    const meant = straight(fields);
    checkParameters(meant);
    // RFC 6749 §3.1.2.3: it may be left out where one is registered
    const [only, ...others] = metadata['redirect_uris'] as string[];
    const back = call.fields['redirect_uri'] ?? (others.length === 0 ? only : undefined);
    if (back === undefined || !(await redirectAllowed(call, id, back))) {
      throw new Refusal('redirect_uri is not one that this client has registered.', {
        reason: 'redirect_uri_unregistered',
      });
    }
    checkTarget(meant, metadata, indicators);
    // As it was sent: it is set straight when it is used, by what holds then.
    return {
      request_uri: pushed.keep(call.request.work, { clientId: id, fields }),
      expires_in: PUSHED_LIFE,
    };
  };
}
