// The clients that the file declares, known before anyone registers.

import { z } from 'zod';
import type { ClientDeclaration } from '../config.ts';
import {
  clientIdProblem,
  type Declared,
  declaredSecret,
  entries,
  type Reading,
  secretMembers,
} from './declared.ts';
import { redirectUriProblem } from './redirect-uri.ts';
import { checked, line } from './scalars.ts';
import { webAddressProblem } from './web-address.ts';

/** `schemes` are the private-use schemes that a redirect URI may have. */
export const clientShape = (schemes: readonly string[]) =>
  z.strictObject({
    id: checked(clientIdProblem).describe('Its client_id.'),
    name: line.describe('Its name, for the person.'),
    redirect_uris: z
      .array(checked((uri) => redirectUriProblem(uri, schemes)))
      .min(1)
      .describe(
        'Where people are sent back to: https, http on loopback (any port), or an allowed private-use scheme.',
      ),
    ...secretMembers,
    uri: checked(webAddressProblem).optional().describe('Its web page.'),
    grant_types: z
      .array(z.enum(['authorization_code', 'refresh_token']))
      .min(1)
      .optional()
      .describe('`authorization_code` and `refresh_token` unless told.'),
  });

/** The declared clients that are whole. */
export function clientsFrom({
  schemes,
  ...reading
}: Reading & { schemes: readonly string[] }): Declared<ClientDeclaration>[] {
  return entries('clients', clientShape(schemes), reading).flatMap(({ value, path }) => {
    const secret = declaredSecret(path, reading);
    if (!value) return [];
    const { id, name, redirect_uris: redirectUris, uri, grant_types: grantTypes } = value;
    const client = { id, name, redirectUris, ...(secret && { secret }), ...(uri !== undefined && { uri }) };
    return [{ path, value: { ...client, ...(grantTypes && { grantTypes }) } }];
  });
}
