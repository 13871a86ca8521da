// Authorization server metadata (RFC 8414) and its OpenID Connect twin: one document, built once, served as bytes.

import { DEVICE_CODE } from '../config/client-grants.ts';
import type { Config } from '../config.ts';
import { defaultScopes, type Resources } from '../domain/resources.ts';
import { PROMPT_VALUES } from './authorization-request.ts';
import { DPOP_ALGORITHMS } from './dpop/proof.ts';
import { TOKEN_EXCHANGE } from './grants/token-exchange.ts';
import { ASSERTION_ALGORITHMS } from './token/assertion.ts';

/** The whole document. Members that do not apply are absent, never null: clients parse strictly. */
export function metadata({
  issuer,
  resources,
  registration,
}: {
  issuer: string;
  resources: Resources;
  registration: Config['registration'];
}) {
  const methods = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'];
  const scopes = new Set(resources.all().flatMap(defaultScopes));
  // an answer about a token is signed as its resource's tokens are
  const signed = new Set(['ES256', ...resources.all().map(({ algorithm }) => algorithm)]);
  return {
    issuer, // RFC 8414 §3.3: identical to the identifier that it was found under, to the byte
    authorization_endpoint: `${issuer}/authorize`,
    pushed_authorization_request_endpoint: `${issuer}/par`, // RFC 9126 §5
    device_authorization_endpoint: `${issuer}/device_authorization`, // RFC 8628 §4
    token_endpoint: `${issuer}/token`,
    ...(registration.dynamic ? { registration_endpoint: `${issuer}/register` } : {}),
    introspection_endpoint: `${issuer}/introspect`,
    revocation_endpoint: `${issuer}/revoke`,
    jwks_uri: `${issuer}/jwks`,
    // Clients that find no scopes elsewhere ask for all of these, so only what is meant for everyone is listed,
    // and not offline_access: listing it makes some clients ask for consent every time.
    ...(scopes.size > 0 ? { scopes_supported: [...scopes] } : {}),
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      DEVICE_CODE,
      ...(resources.all().some(({ upstreams }) => upstreams) ? [TOKEN_EXCHANGE] : []),
    ],
    token_endpoint_auth_methods_supported: methods,
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    introspection_endpoint_auth_methods_supported: methods.filter((method) => method !== 'none'),
    // RFC 8414 §2: "MUST be present" where private_key_jwt is
    introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    code_challenge_methods_supported: ['S256'], // OAuth 2.1 §7.5; `plain` is not offered
    prompt_values_supported: PROMPT_VALUES,
    authorization_response_iss_parameter_supported: true, // RFC 9207 §3
    client_id_metadata_document_supported: registration.clientIdDocuments,
    dpop_signing_alg_values_supported: DPOP_ALGORITHMS, // RFC 9449 §5.1
    introspection_signing_alg_values_supported: [...signed], // RFC 9701 §7
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
}
