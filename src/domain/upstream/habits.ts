// In what an OpenID provider may differ from the next, within the specifications or beside them. Each known provider
// has a file of its own that says its habits; the protocol itself is in oidc.ts, once.

import type { OAuthUpstream } from '../../config.ts';
import type { Claims } from './claims.ts';
import type { UpstreamPerson } from './connector.ts';
import type { Door } from './door.ts';

export type Habits = {
  /** Hosts beside the issuer's that its metadata names. */
  hosts: readonly string[];
  /** Whether userinfo is asked when the ID token says little. */
  userinfo: boolean;
  /** Whether the `resource` parameter (RFC 8707) may be sent. */
  resource: boolean;
  /** Whether it revokes (RFC 7009), where that is known without its metadata. */
  revoke?: boolean;
  /** What a client assertion is addressed to. */
  assertionFor: 'issuer' | 'token_endpoint';
  /** How it is asked for a refresh token; `scopes` is what its metadata supports, undefined where it does not say. */
  offline(parameters: URLSearchParams, scopes: readonly string[] | undefined): void;
  /** What else goes to its authorization endpoint. */
  authorization?(parameters: URLSearchParams, declaration: OAuthUpstream): void;
  /** All groups of a person who has too many for an ID token; undefined where they are not to be had. */
  allGroups?(ask: AllGroups): Promise<{ groups: string[]; incomplete: boolean } | undefined>;
  /** The person, where its claims need reading in another way. */
  person?(person: UpstreamPerson, claims: Claims): UpstreamPerson;
};

export type AllGroups = { door: Door; metadata: Claims; hosts: readonly string[]; accessToken: string };

/** Adds a scope to those that are asked for. */
export function alsoAsk(parameters: URLSearchParams, scope: string): void {
  const scopes = (parameters.get('scope') ?? '').split(' ').filter(Boolean);
  if (!scopes.includes(scope)) parameters.set('scope', [...scopes, scope].join(' '));
}

/** A provider that does what OpenID Connect says, and no more. */
export const plain: Habits = {
  hosts: [],
  userinfo: true,
  resource: true,
  assertionFor: 'issuer',
  offline(parameters, scopes) {
    if (!scopes?.includes('offline_access')) return;
    alsoAsk(parameters, 'offline_access');
    // OIDC Core §11: "The Authorization Server MUST ignore the offline_access request unless … consent"
    if (!parameters.has('prompt')) parameters.set('prompt', 'consent');
  },
};
