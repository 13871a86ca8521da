// The clients that the file declares, known before anyone registers.

import { z } from 'zod';
import { reportClientContradictions } from './client-contradictions.ts';
import { CLIENT_GRANTS, DEVICE_CODE } from './client-grants.ts';
import type { ClientDeclaration } from './declarations.ts';
import { type Declared, declaredSecret, entries, type Reading, secretMembers } from './declared.ts';
import { keySet, keysAddress } from './key-sets.ts';
import { clientIdProblem, scopeProblem } from './names.ts';
import { redirectUriProblem } from './redirect-uri.ts';
import { resourceUriProblem } from './resource-uri.ts';
import { checked, line } from './scalars.ts';
import { webAddressProblem } from './web-address.ts';

const ceiling = z.strictObject({
  uri: checked(resourceUriProblem).describe('The resource.'),
  scopes: z.array(checked(scopeProblem)).min(1).describe('The scopes of it that may be granted.'),
});

/** `schemes` are the private-use schemes that a redirect URI may have. */
export const clientShape = (schemes: readonly string[]) =>
  z.strictObject({
    id: checked(clientIdProblem).describe('Its client_id.'),
    name: line.describe('Its name, for the person.'),
    redirect_uris: z
      .array(checked((uri) => redirectUriProblem(uri, schemes)))
      .min(1)
      .optional()
      .describe(
        'Where people are sent back to: https, http on loopback (any port), or an allowed private-use scheme. Required with `authorization_code`.',
      ),
    ...secretMembers,
    authentication: z
      .enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'])
      .optional()
      .describe(
        '`none`, `client_secret_basic`, `client_secret_post` or `private_key_jwt`; from `secret` and the keys unless told.',
      ),
    jwks: keySet.optional().describe('Its public keys, for `private_key_jwt`: a JWK set; or `jwks_uri`.'),
    jwks_uri: keysAddress.optional().describe('The https address of its public keys.'),
    uri: checked(webAddressProblem).optional().describe('Its web page.'),
    grant_types: z
      .array(z.enum(CLIENT_GRANTS))
      .min(1)
      .optional()
      .describe(
        `\`authorization_code\` and \`refresh_token\` unless told; also \`client_credentials\` and \`${DEVICE_CODE}\`.`,
      ),
    resources: z
      .array(ceiling)
      .min(1)
      .optional()
      .describe(
        'All that it may ever get, whoever allows it; everything unless told. Required with `client_credentials`, where nobody is asked.',
      ),
    dpop_bound: z
      .boolean()
      .optional()
      .describe('Its tokens are bound to a key of its own (DPoP); a request without proof is refused.'),
  });

/** The declared clients that are whole. */
export function clientsFrom({
  schemes,
  ...reading
}: Reading & { schemes: readonly string[] }): Declared<ClientDeclaration>[] {
  return entries('clients', clientShape(schemes), reading).flatMap(({ value, path }) => {
    const secret = declaredSecret(path, reading);
    const before = reading.problems.length;
    reportClientContradictions(path, reading);
    if (!value || reading.problems.length > before) return [];
    const { id, name, uri, authentication, jwks } = value;
    const ceiling = value.resources?.map((each) => ({
      resource: each.uri,
      scopes: [...new Set(each.scopes)],
    }));
    const client: ClientDeclaration = {
      id,
      name,
      redirectUris: value.redirect_uris ?? [],
      ...(secret && { secret }),
      ...(authentication && { authentication }),
      ...(jwks && { jwks }),
      ...(value.jwks_uri !== undefined && { jwksUri: value.jwks_uri }),
      ...(uri !== undefined && { uri }),
      ...(value.grant_types && { grantTypes: value.grant_types }),
      ...(ceiling && { ceiling }),
      ...(value.dpop_bound !== undefined && { dpopBound: value.dpop_bound }),
    };
    return [{ path, value: client }];
  });
}
