// Introspection (RFC 7662): an answer that is true now, not when the token was made; for the server it was made for.

import type { Clock } from '../clock.ts';
import type { Grants } from '../domain/grants.ts';
import { below, type Policy } from '../domain/policy.ts';
import type { Resources } from '../domain/resources.ts';
import { Refusal } from '../errors.ts';
import type { Buckets } from './buckets.ts';
import { allowedTools } from './resources.ts';
import type { AccessTokens, SeenToken } from './token/access-tokens.ts';
import type { GrantType } from './token/call.ts';
import { need } from './token/call-checks.ts';

// A connection page that says "a minute ago" is good enough; a write per introspection is not.
const TOUCH_EVERY = 60_000;

const INACTIVE = { active: false };

export function introspection({
  issuer,
  accessTokens,
  grants,
  policy,
  resources,
  unknown,
  clock,
}: {
  issuer: string;
  accessTokens: AccessTokens;
  grants: Grants;
  policy: Policy;
  resources: Resources;
  /** How many tokens that nobody was given a server may ask about. */
  unknown: Buckets;
  clock: Clock;
}): GrantType {
  /**
   * RFC 7662 §4: scanning is made slow. Only what was never given out counts, so that a server whose callers send it
   * rubbish is answered about everything else as before, and only after looking, so that no true token is ever refused.
   */
  function miss(serverId: string): typeof INACTIVE {
    if (unknown.take(serverId) > 0) {
      throw new Refusal('This server has asked about too many tokens that were never issued.', {
        reason: 'too_many_unknown_tokens',
        status: 429,
        oauth: 'temporarily_unavailable',
        hint: 'Treat this token as invalid. Somebody may be trying out tokens at the MCP server.',
      });
    }
    return INACTIVE;
  }

  const said = (seen: SeenToken, scopes: readonly string[]) => ({
    active: true,
    scope: scopes.join(' '),
    client_id: seen.clientId,
    sub: seen.accountId,
    aud: seen.resource,
    iss: issuer,
    exp: seen.exp,
    iat: seen.iat,
    jti: seen.id,
    token_type: seen.jkt === undefined ? 'Bearer' : 'DPoP',
    ...(seen.jkt === undefined ? {} : { cnf: { jkt: seen.jkt } }), // RFC 9449 §6.2
  });

  return async function introspect({ fields, caller, request }) {
    // RFC 7662 §2.1: "the endpoint MUST also require some form of authorization"; a public client has none
    if (caller.kind === 'client' && caller.method === 'none') {
      throw new Refusal('Only the MCP server that a token was made for may ask about it.', {
        reason: 'client_unproven',
        status: 401,
        oauth: 'invalid_client',
      });
    }
    const token = need(fields, 'token');
    // RFC 7662 §4: not the clients, and so not a server that registered itself
    if (caller.kind !== 'server') return INACTIVE;
    const seen = await accessTokens.look(token);
    if (!seen) return miss(caller.id);
    // one MCP server may be several resources
    if (seen === 'over' || resources.find(seen.resource)?.server?.id !== caller.id) return INACTIVE;
    if (seen.familyId === undefined) {
      const machine = await accessTokens.machineStanding(seen);
      return machine ? { ...said(seen, machine.scopes), tools: machine.tools } : INACTIVE;
    }
    const standing = await accessTokens.standing(seen);
    if (!standing) return INACTIVE;
    const { family, resource } = standing;
    // Of somebody who has left a group since, less is true now than when the token was made.
    const ceiling = await policy.ceilingFor(family.accountId, resource);
    const grant = { ...standing.grant, ...below(ceiling, standing.grant) };
    const scopes = standing.scopes.filter((scope) => grant.scopes.includes(scope));
    if (ceiling && scopes.length === 0) return INACTIVE;
    if (clock() - (family.lastUsedAt ?? 0) > TOUCH_EVERY) grants.touch(request.work, family.id);
    return {
      ...said(seen, scopes),
      grant_id: grant.id,
      grant_version: grant.version,
      tools: allowedTools(resource, grant, scopes, { partialOnly: false }),
    };
  };
}
