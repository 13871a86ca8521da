// A family and its grants, as the Grant that oidc-provider believes in.

import { seconds } from '../clock.ts';
import type { Family } from '../domain/grants.ts';
import { IDENTITY_SCOPES } from './identity.ts';

/** The payload of the engine's Grant model; `jti` is the family's id. */
export const grantView = (family: Family) => ({
  jti: family.id,
  kind: 'Grant',
  accountId: family.accountId,
  clientId: family.clientId,
  iat: seconds(Math.min(...family.grants.map((grant) => grant.createdAt))),
  exp: seconds(Math.max(...family.grants.map((grant) => grant.expiresAt))),
  openid: { scope: IDENTITY_SCOPES.join(' ') },
  resources: Object.fromEntries(family.grants.map((grant) => [grant.resource, grant.scopes.join(' ')])),
});
