// Tokens that no person stands behind (RFC 6749 §4.4): what a client may get for itself, and what of it holds now.
// There is no grant to read: the operator's ceiling is the decision, and the client's row its tombstone.

import type { CeilingDeclaration } from '../../config.ts';
import { ceilingOf } from '../../domain/clients/declared.ts';
import type { Resource } from '../../domain/resources.ts';
import type { Metadata } from '../registration.ts';

/** The resources that the operator has named; none, where nothing was said: nobody is asked, so nothing is allowed. */
export const machineCeiling = (client: Metadata): readonly CeilingDeclaration[] =>
  (client['ceiling'] as readonly CeilingDeclaration[] | undefined) ?? [];

/** The scopes of a resource that a client may have for itself now; none when it may not act for itself. */
export function machineScopes(client: Metadata, resource: Resource): string[] {
  if (!(client['grant_types'] as string[] | undefined)?.includes('client_credentials')) return [];
  const ceiling = ceilingOf(client, resource.uri) ?? [];
  return resource.scopes.map(({ name }) => name).filter((name) => ceiling.includes(name));
}

export type MachineStanding = {
  scopes: string[];
  /** Scope → its tools: all of them, for nobody has left one out. */
  tools: Record<string, string[]>;
};

/** What still holds of a client's own token; undefined when nothing does. */
export function machineStanding(
  client: Metadata,
  resource: Resource,
  given: readonly string[],
): MachineStanding | undefined {
  const scopes = machineScopes(client, resource).filter((name) => given.includes(name));
  if (scopes.length === 0) return undefined;
  const withTools = resource.scopes.filter(({ name, tools }) => scopes.includes(name) && tools.length > 0);
  const tools = withTools.map((scope) => [scope.name, scope.tools.map((tool) => tool.name)] as const);
  return { scopes, tools: Object.fromEntries(tools) };
}
