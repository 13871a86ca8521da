// Revocation (RFC 7009): a client hands back what it was given. A refresh token ends its family; an access token ends
// alone (§2.1 leaves that to the server). What is not the caller's own is answered as if it had been.

import type { Clock } from '../clock.ts';
import type { Grants } from '../domain/grants.ts';
import type { Artifacts } from './adapter.ts';
import type { AccessTokens } from './token/access-tokens.ts';
import type { TokenCall } from './token/call.ts';
import { need } from './token/call-checks.ts';
import { findHeld, type HeldRefreshToken } from './token/kept.ts';

export function revocation({
  store,
  accessTokens,
  grants,
  clock,
}: {
  store: Artifacts;
  accessTokens: AccessTokens;
  grants: Grants;
  clock: Clock;
}) {
  return async function revoke({ fields, caller, request }: TokenCall): Promise<''> {
    const { work, traceId, ip } = request;
    const token = need(fields, 'token');
    // RFC 7009 §2.1: the hint is no more than that; both kinds are looked for.
    const seen = await accessTokens.read(token);
    if (seen) {
      if (seen.clientId !== caller.id) return '';
      if (seen.format === 'jwt') grants.revokeToken(work, seen.id, seen.exp * 1000);
      else work.add(store.remove(seen.id));
      return '';
    }
    const found = await findHeld<HeldRefreshToken>(store, 'RefreshToken', token, clock());
    if (!found || found.held.clientId !== caller.id) return '';
    const { accountId, clientId, grantId } = found.held;
    grants.endFamily(work, grantId, 'revoked_by_client', { accountId, clientId, traceId, detail: { ip } });
    return '';
  };
}
