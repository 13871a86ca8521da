// Public keys in the configuration: given inline, or by their address.

import { z } from 'zod';
import { type ClientKeys, clientKeys } from './client-keys.ts';
import { checked } from './scalars.ts';
import { webAddressProblem } from './web-address.ts';

export const keySet = z.unknown().transform((value, ctx): ClientKeys => {
  const found = clientKeys(value);
  if (typeof found !== 'string') return found;
  ctx.addIssue(found);
  return z.NEVER;
});

// OIDC Core §10.1: a client's keys come over TLS, also from this computer
export const keysAddress = checked(
  (uri) => webAddressProblem(uri) ?? (uri.startsWith('https:') ? undefined : 'must use https'),
);
