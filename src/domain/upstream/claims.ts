// Claims of an ID token or userinfo → the person. Whatever is not of the type that the specification gives it is
// taken as not said; a name may be anything, so it is only cut.

import type { UpstreamPerson } from './connector.ts';

export type Claims = Record<string, unknown>;

const MOST_GROUPS = 1000;
const LONGEST = 256;

export const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.slice(0, LONGEST) : undefined;

/** The domain of an e-mail address that is plain ASCII with one @, in lower case. */
export const domainOf = (email: string | undefined): string | undefined =>
  /^[\x21-\x3f\x41-\x7e]+@([a-z0-9-]+(?:\.[a-z0-9-]+)+)$/i.exec(email ?? '')?.[1]?.toLowerCase();

/** A list of names, or one; what is none is left out. */
export function groupsOf(value: unknown): { groups: string[]; incomplete: boolean } {
  const all = (Array.isArray(value) ? value : [value]).filter(
    (group): group is string => typeof group === 'string' && group !== '' && group.length <= LONGEST,
  );
  return { groups: [...new Set(all)].slice(0, MOST_GROUPS), incomplete: all.length > MOST_GROUPS };
}

/** Told by reference instead of in place (OIDC Core §5.6.2): there were too many to send. */
const elsewhere = (claims: Claims, claim: string): boolean =>
  claims['hasgroups'] === true ||
  Object.hasOwn((claims['_claim_names'] as object | null | undefined) ?? {}, claim);

/** Whether userinfo could add anything to what the ID token says. */
export const saysLittle = (claims: Claims, groupsClaim: string): boolean =>
  claims['name'] === undefined ||
  claims['email'] === undefined ||
  (claims[groupsClaim] === undefined && !elsewhere(claims, groupsClaim));

export function personOf(
  claims: Claims & { sub: string },
  issuer: string,
  groupsClaim: string,
): UpstreamPerson {
  const [name, email] = [text(claims['name']), text(claims['email'])];
  const username = text(claims['preferred_username'] ?? claims['nickname']);
  const { groups, incomplete } = groupsOf(claims[groupsClaim]);
  // The text "true" is not the fact: OIDC Core §5.1 makes it a boolean.
  const emailVerified = claims['email_verified'] === true;
  const domain = emailVerified ? domainOf(email) : undefined;
  return {
    issuer,
    subject: claims.sub,
    ...(name !== undefined && { name }),
    ...(username !== undefined && { username }),
    ...(email !== undefined && { email, emailVerified }),
    ...(domain !== undefined && { domain }),
    groups,
    ...((incomplete || elsewhere(claims, groupsClaim)) && { groupsIncomplete: true }),
  };
}
