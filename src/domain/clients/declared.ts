// A client that an operator enters, in the words of RFC 7591; and how far it may ever go.

import { canonicalResource } from '../../config/resource-uri.ts';
import type { CeilingDeclaration, ClientDeclaration } from '../../config.ts';

/** What a declared client is kept as, without its secret. `ceiling` is a member of our own. */
export function declaredMetadata(declared: ClientDeclaration) {
  const grantTypes = declared.grantTypes ?? ['authorization_code', 'refresh_token'];
  const proof = declared.jwks || declared.jwksUri ? 'private_key_jwt' : undefined;
  return {
    client_id: declared.id,
    client_name: declared.name,
    redirect_uris: declared.redirectUris,
    grant_types: grantTypes,
    // RFC 7591 §2.1: `code` goes with authorization_code, and with nothing else
    response_types: grantTypes.includes('authorization_code') ? ['code'] : [],
    token_endpoint_auth_method:
      declared.authentication ?? proof ?? (declared.secret ? 'client_secret_basic' : 'none'),
    ...(declared.jwks ? { jwks: declared.jwks } : {}),
    ...(declared.jwksUri ? { jwks_uri: declared.jwksUri } : {}),
    ...(declared.uri ? { client_uri: declared.uri } : {}),
    ...(declared.dpopBound ? { dpop_bound_access_tokens: true } : {}), // RFC 9449 §5.2
    ...(declared.ceiling ? { ceiling: declared.ceiling } : {}),
  };
}

/**
 * The scopes of `resource` that a client may ever get; undefined where its operator set no bounds. A resource that
 * is outside of them has none.
 */
export function ceilingOf(
  metadata: Record<string, unknown>,
  resource: string,
): readonly string[] | undefined {
  const ceiling = metadata['ceiling'] as readonly CeilingDeclaration[] | undefined;
  if (!ceiling) return undefined;
  const wanted = canonicalResource(resource);
  return ceiling.find((each) => canonicalResource(each.resource) === wanted)?.scopes ?? [];
}
