// Microsoft Entra ID, one tenant. Its `email` claim can be written by whoever administers any tenant, so it vouches for
// nothing unless Entra says that the domain's owner was verified (xms_edov). Beyond some 200 groups it sends none, and
// Graph is asked for them.

import { Refusal } from '../../errors.ts';
import { domainOf, groupsOf, text } from './claims.ts';
import { type AllGroups, alsoAsk, type Habits, plain } from './habits.ts';

/**
 * Graph tells them to a token with User.Read and GroupMember.Read.All; who may not ask is told nothing, and that counts
 * as too few. Where Graph is, the metadata says (national clouds); the address in the token itself is not followed.
 */
async function allGroups({ door, metadata, hosts, accessToken }: AllGroups) {
  const host = text(metadata['msgraph_host']);
  const home = new URL(String(metadata['issuer']));
  if (host === undefined || ![home.host, ...hosts].includes(host)) return undefined;
  try {
    const response = await door(`${home.protocol}//${host}/v1.0/me/getMemberGroups`, {
      method: 'POST',
      headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ securityEnabledOnly: false }),
    });
    const said: unknown = response.status === 200 ? await response.json().catch(() => undefined) : undefined;
    const { value } = (said ?? {}) as { value?: unknown };
    return Array.isArray(value) ? groupsOf(value) : undefined;
  } catch (error) {
    // Whoever needs no group comes in all the same.
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

export const entra: Habits = {
  ...plain,
  hosts: ['graph.microsoft.com'],
  // Its userinfo is a part of Graph and wants a token for that; the ID token says what is needed.
  userinfo: false,
  // AADSTS901002: "The 'resource' request parameter is not supported"; the scope names the resource.
  resource: false,
  revoke: false,
  allGroups,
  offline: (parameters) => alsoAsk(parameters, 'offline_access'),
  person({ emailVerified: _said, domain: _mailed, ...person }, claims) {
    const vouched = claims['xms_edov'];
    const emailVerified = vouched === true || vouched === 1 || vouched === '1';
    const domain = emailVerified ? domainOf(person.email) : undefined;
    return {
      ...person,
      ...(person.email !== undefined && { emailVerified }),
      ...(domain !== undefined && { domain }),
    };
  },
};
