// What a token is for: one resource of those that were granted (RFC 8707 §2.2), and the scopes that hold there now.
// Decided before anything is consumed, so that a wrong parameter costs an honest client nothing.

import { ceilingOf } from '../../domain/clients/declared.ts';
import { allowedScopes, type Family, type Grant } from '../../domain/grants.ts';
import { below, type Policy } from '../../domain/policy.ts';
import { type Resource, type Resources, scopeOf } from '../../domain/resources.ts';
import { Refusal } from '../../errors.ts';
import { IDENTITY_SCOPES } from '../identity.ts';
import type { Metadata } from '../registration.ts';
import { type Held, words } from './kept.ts';

export type Target = { resource: Resource; grant: Grant; scopes: string[] };

/** RFC 8707 §2. */
export const wrongTarget = (message: string): Refusal =>
  new Refusal(message, { reason: 'resource_refused', oauth: 'invalid_target' });

const nothingLeft = (message: string): Refusal =>
  new Refusal(message, { reason: 'grant_ended', oauth: 'invalid_grant', hint: 'Connect again.' });

function resourceUri(asked: readonly string[], granted: readonly string[], family: Family): string {
  if (asked.length > 1) throw wrongTarget('A token is for one resource; name one of them.');
  const [named] = asked;
  if (named !== undefined) {
    if (!granted.includes(named)) throw wrongTarget('The resource is not one that was granted.');
    return named;
  }
  const live = granted.filter((uri) => family.grants.some((grant) => grant.resource === uri));
  if (live.length > 1) throw wrongTarget('Name one of the resources that were granted.');
  return live[0] ?? granted[0] ?? '';
}

/**
 * `narrowTo` is the `scope` of a refresh: of what was granted, only that; more than that is left out, for clients
 * repeat what they once asked for. Throws a Refusal invalid_target, invalid_scope or invalid_grant.
 */
export async function targetOf({
  held,
  client,
  family,
  asked,
  narrowTo,
  resources,
  policy,
}: {
  held: Held;
  /** Its metadata, for the bounds that its operator set. */
  client: Metadata;
  family: Family;
  /** The resources that the request names. */
  asked: readonly string[];
  narrowTo?: string | undefined;
  resources: Resources;
  policy: Policy;
}): Promise<Target> {
  const uri = resourceUri(asked, [held.resource ?? []].flat(), family);
  const resource = resources.find(uri);
  if (!resource) throw wrongTarget('The resource is not one that this server issues tokens for.');
  const decided = family.grants.find((each) => each.resource === uri);
  if (!decided) throw nothingLeft('What was allowed for this resource has ended.');
  // What the person may be allowed today: they may have left a group since they decided.
  const grant = { ...decided, ...below(await policy.ceilingFor(family.accountId, resource), decided) };
  const ceiling = ceilingOf(client, uri);
  const whole = allowedScopes(grant, words(held.scope)).filter(
    (name) => scopeOf(resource, name) && (ceiling?.includes(name) ?? true),
  );
  if (whole.length === 0) throw nothingLeft('Nothing of what was allowed is left.');
  const wanted = words(narrowTo).filter((name) => !IDENTITY_SCOPES.includes(name));
  if (wanted.length === 0) return { resource, grant, scopes: whole };
  const scopes = whole.filter((name) => wanted.includes(name));
  if (scopes.length > 0) return { resource, grant, scopes };
  throw new Refusal('None of the scopes that were asked for was granted.', {
    reason: 'scope_refused',
    oauth: 'invalid_scope',
  });
}
