// Whether a token opens the tools that a request calls. All of a batch passes, or none of it does.
import type { Settings } from './options.ts';
import { Refused } from './refusal.ts';
import type { Token } from './token.ts';

/** Throws Refused (403) when some of the tools may not be called. */
export function authorize(token: Token, tools: readonly string[], settings: Settings): void {
  const forbidden = tools.filter((tool) => !token.allows(tool));
  if (forbidden.length === 0) return;
  const unknown = forbidden.find((tool) => !settings.toolScopes.has(tool));
  if (unknown !== undefined) {
    // No scope would open it, so no challenge: a client would send its person to consent again and again.
    throw new Refused({
      reason: 'unlisted_tool',
      status: 403,
      error: -32602,
      message: `Unknown tool: ${unknown}`,
      detail: 'no scope of the guard names this tool',
    });
  }
  const needed = forbidden.map((tool) => settings.toolScopes.get(tool) as string);
  const missing = needed.filter((scope) => !token.scopes.includes(scope));
  throw new Refused({
    reason: missing.length > 0 ? 'insufficient_scope' : 'tool_not_allowed',
    status: 403,
    error: 'insufficient_scope',
    message:
      missing.length > 0
        ? `The tool ${forbidden[0]} needs the scope ${missing[0]}`
        : `The person has not allowed the tool ${forbidden[0]}`,
    detail: `${token.clientId} for ${token.subject}: ${forbidden.join(', ')}`,
    // MCP 2026-07-28 (SEP-2350): what the token has and what it lacks, so that a step-up takes nothing away.
    // offline_access is the client's own wish, never a resource's.
    scope: [...new Set([...token.scopes, ...needed])].filter((scope) => scope !== 'offline_access'),
  });
}
