// A token that passed, as a tool's author sees it.
import type { Settings } from './options.ts';
import { badToken } from './refusal.ts';

export type Token = {
  /** The token itself. Never log it, never pass it on to another server. */
  raw: string;
  /** The person's stable identifier at the issuer. */
  subject: string;
  clientId: string;
  scopes: string[];
  /** Seconds since the epoch. */
  expiresAt: number;
  grantId: string | undefined;
  /** For scopes of which only a part was allowed (and all of them after introspection): the allowed tools. */
  tools: Record<string, string[]>;
  claims: Record<string, unknown>;
  /** Whether this token may call the tool. */
  allows(tool: string): boolean;
};

/** Makes the Token of verified claims. Throws Refused when they do not say what they must. */
export function tokenOf(raw: string, claims: Record<string, unknown>, settings: Settings): Token {
  const { sub, client_id: clientId, exp, scope = '', grant_id: grantId } = claims;
  if (
    typeof sub !== 'string' ||
    typeof clientId !== 'string' ||
    typeof exp !== 'number' ||
    typeof scope !== 'string'
  ) {
    throw badToken('bad_claim', 'The access token lacks sub, client_id, exp or scope');
  }
  const scopes = scope.split(' ').filter(Boolean);
  const tools = readTools(claims.tools);
  return {
    raw,
    subject: sub,
    clientId,
    scopes,
    expiresAt: exp,
    grantId: typeof grantId === 'string' ? grantId : undefined,
    tools,
    claims,
    allows(tool) {
      const needed = settings.toolScopes.get(tool);
      if (needed === undefined) return settings.unlisted === 'allow';
      if (!scopes.includes(needed)) return false;
      return Object.hasOwn(tools, needed) ? (tools[needed] as string[]).includes(tool) : true;
    },
  };
}

function readTools(value: unknown): Record<string, string[]> {
  if (value === undefined) return {};
  const lists =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.values(value) : [null];
  // A restriction that cannot be read must not become no restriction.
  if (!lists.every((list) => Array.isArray(list) && list.every((name) => typeof name === 'string'))) {
    throw badToken('bad_claim', 'The access token has no usable "tools"');
  }
  return value as Record<string, string[]>;
}

/** The same in the MCP SDK's words: what it hands to tools as `extra.authInfo`. */
export type AuthInfo = {
  token: string;
  clientId: string;
  scopes: string[];
  expiresAt: number;
  resource: URL;
  extra: { subject: string; grantId: string | undefined; tools: Record<string, string[]> };
};

export const authInfo = (
  { raw, clientId, scopes, expiresAt, subject, grantId, tools }: Token,
  resource: string,
): AuthInfo => ({
  token: raw,
  clientId,
  scopes,
  expiresAt,
  resource: new URL(resource),
  extra: { subject, grantId, tools },
});
