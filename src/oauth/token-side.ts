// Everything at which something is issued or asked about: the token, introspection and revocation endpoints and
// those where a request is left beforehand, put together. They are Cardea's own, on the domain; the engine keeps what has a person in it. Built by host.ts.

import type { KeyObject } from 'node:crypto';
import type { JSONWebKeySet } from 'jose';
import type { Clock } from '../clock.ts';
import { DEVICE_CODE } from '../config/client-grants.ts';
import type { Config, SigningAlgorithm } from '../config.ts';
import type { Audit } from '../domain/audit.ts';
import type { ClientDocuments } from '../domain/clients/documents.ts';
import type { Clients } from '../domain/clients.ts';
import type { Grants } from '../domain/grants.ts';
import type { SigningKey } from '../domain/keys.ts';
import type { Policy } from '../domain/policy.ts';
import type { Resources } from '../domain/resources.ts';
import type { Upstreams } from '../domain/upstream.ts';
import type { ConnectLinks } from '../domain/vault/links.ts';
import type { Vault } from '../domain/vault.ts';
import type { Metrics } from '../metrics.ts';
import type { Outbound } from '../outbound.ts';
import type { Artifacts } from './adapter.ts';
import type { Fields } from './authorization-request.ts';
import type { BegunRequests } from './begun.ts';
import { buckets, FIVE_MINUTES, rate } from './buckets.ts';
import { deviceAuthorization } from './device/authorization.ts';
import { deviceCodes } from './device/codes.ts';
import type { DpopAt } from './dpop.ts';
import { authorizationCode } from './grants/authorization-code.ts';
import { clientCredentials } from './grants/client-credentials.ts';
import { deviceCode } from './grants/device-code.ts';
import { refreshTokenGrant } from './grants/refresh-token.ts';
import { TOKEN_EXCHANGE, tokenExchange } from './grants/token-exchange.ts';
import type { HttpCall } from './http-call.ts';
import { introspection } from './introspection.ts';
import { pushedAuthorization, type RedirectAllowed } from './pushed/endpoint.ts';
import { pushedRequests } from './pushed/requests.ts';
import type { RefreshTokens } from './refresh-tokens.ts';
import type { ResourceIndicators } from './resources.ts';
import { revocation } from './revocation.ts';
import { accessTokens } from './token/access-tokens.ts';
import { assertions } from './token/assertion.ts';
import { authentication } from './token/authentication.ts';
import type { GrantType } from './token/call.ts';
import { clientKeys } from './token/client-keys.ts';
import { programEndpoints, tokenRequests } from './token/endpoint.ts';
import { issuing } from './token/issue.ts';
import { knownCallers } from './token/known.ts';
import { signedAnswers } from './token/signed-answer.ts';
import { wrongSecrets } from './token/wrong-secrets.ts';

// An MCP server that anybody can reach is sent more wrong tokens than a sign-in page wrong passwords.
const UNKNOWN_TOKENS = 100;

export type TokenSideNeeds = {
  config: Pick<Config, 'issuer' | 'lifetimes' | 'registration' | 'limits'>;
  clock: Clock;
  artifacts: Artifacts;
  audit: Audit;
  clients: Clients;
  documents: ClientDocuments;
  grants: Grants;
  policy: Policy;
  resources: Resources;
  outbound: Outbound;
  metrics: Metrics;
  upstreams: Upstreams;
  vault: Vault;
  connectLinks: ConnectLinks;
  refreshTokens: RefreshTokens;
  dpop: DpopAt;
  /** The key that signs now. */
  signingKey: (algorithm: SigningAlgorithm) => SigningKey;
  publicKeys: () => JSONWebKeySet;
  userCodeKey: KeyObject;
  indicators: ResourceIndicators;
  straight: (fields: Fields) => Fields;
  redirectAllowed: RedirectAllowed;
  begun: BegunRequests;
};

export function tokenSide(needs: TokenSideNeeds) {
  const {
    config,
    clock,
    artifacts: store,
    audit,
    clients,
    grants,
    policy,
    resources,
    metrics,
    refreshTokens,
  } = needs;
  const { issuer, lifetimes, registration, limits } = config;
  const known = knownCallers({ clients, documents: needs.documents, resources, registration });
  const authenticate = authentication({
    known,
    verify: assertions({
      issuer,
      keysOf: clientKeys({ outbound: needs.outbound, clock }),
      store,
      clock,
    }),
    wrongSecrets: wrongSecrets({ most: limits.signIns, clock }),
  });
  const issue = issuing({ ...needs, issuer, store, lifetimes });
  const tokens = accessTokens({ ...needs, issuer, store, known });

  const unknown = buckets(rate(limits.signIns * UNKNOWN_TOKENS, FIVE_MINUTES), clock);
  const codes = deviceCodes({ store, key: needs.userCodeKey, clock });
  const grantTypes: Record<string, GrantType> = {
    [DEVICE_CODE]: deviceCode({ codes, grants, resources, policy, issue }),
    authorization_code: authorizationCode({ store, grants, resources, policy, issue, clock }),
    refresh_token: refreshTokenGrant({ store, refreshTokens, grants, resources, policy, issue, clock }),
    client_credentials: clientCredentials({ resources, issue, audit }),
    [TOKEN_EXCHANGE]: tokenExchange({ ...needs, issuer, accessTokens: tokens, links: needs.connectLinks }),
  };

  const pushed = pushedRequests({ store, clock });
  const { endpoint } = programEndpoints({
    issuer,
    authenticate,
    resourceUri: (sent) => resources.find(sent)?.uri,
    audit,
    metrics,
  });
  const endpoints: Record<string, (call: HttpCall) => Promise<void>> = {
    '/device_authorization': endpoint(
      'device.refused',
      deviceAuthorization({ issuer, codes, indicators: needs.indicators, audit }),
      { firstContact: true },
    ),
    '/par': endpoint('authorization.refused', pushedAuthorization({ ...needs, pushed }), {
      dpop: needs.dpop('/par'),
      firstContact: true,
      written: (ctx, _call, answer) => {
        ctx.status = 201; // RFC 9126 §2.2
        return answer;
      },
    }),
    '/token': endpoint('token.refused', tokenRequests({ grantTypes, clients }), {
      dpop: needs.dpop('/token'),
      done: ({ fields }) => metrics.tokenIssued(String(fields['grant_type'])),
    }),
    '/introspect': endpoint(
      'introspection.refused',
      introspection({ issuer, accessTokens: tokens, grants, policy, resources, unknown, clock }),
      { written: signedAnswers({ issuer, signingKey: needs.signingKey, clock }) },
    ),
    '/revoke': endpoint('revocation.refused', revocation({ store, accessTokens: tokens, grants, clock })),
  };

  return {
    /** By path below the issuer; each takes POST. */
    endpoints,
    /** For other endpoints that programs call with credentials. */
    authenticate,
    /** Device codes, for the page on which a person answers. */
    codes,
    /** Requests that were pushed, for the authorization endpoint. */
    pushed,
  };
}
