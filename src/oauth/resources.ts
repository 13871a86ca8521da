// Resource indicators (RFC 8707) as the engine asks for them: audience and scopes.

import { errors } from 'oidc-provider';
import { ceilingOf } from '../domain/clients/declared.ts';
import type { Grant } from '../domain/grants.ts';
import { defaultScopes, type Resource, type Resources } from '../domain/resources.ts';
import { Refusal } from '../errors.ts';
import type { Metadata } from './registration.ts';

// More than these nobody reads on one page; clients ask for one, gateways for a handful.
const MOST_RESOURCES = 8;

export function resourceIndicators({
  resources,
  defaultResource,
}: {
  resources: Resources;
  defaultResource: string | undefined;
}) {
  function known(uri: string): Resource {
    const found = resources.find(uri);
    if (!found) throw new errors.InvalidTarget('the resource is not one that this server issues tokens for');
    return found;
  }

  /** The scopes of a resource that this client may ask for. */
  function openTo({ uri, scopes }: Resource, client: Metadata): string[] {
    const ceiling = ceilingOf(client, uri);
    return scopes.map(({ name }) => name).filter((name) => ceiling?.includes(name) ?? true);
  }

  return {
    /** RFC 8707 §2: where a client names no resource, there must be exactly one that it can mean. */
    default(oneOf: readonly string[] | undefined): string {
      if (oneOf && oneOf.length > 0) {
        if (oneOf.length === 1) return oneOf[0] as string;
        throw new errors.InvalidTarget('name one of the resources that were granted');
      }
      const [only, ...others] = resources.all();
      const chosen = defaultResource ?? (others.length === 0 ? only?.uri : undefined);
      if (!chosen)
        throw new errors.InvalidTarget('resource is missing, and there is more than one that it could be');
      return chosen;
    },

    /** `client` is the metadata of the one who asks: beyond its ceiling there is no resource and no scope for it. */
    info(uri: string, client: Metadata) {
      const resource = known(uri);
      const scopes = openTo(resource, client);
      if (scopes.length === 0) throw new errors.InvalidTarget('the resource is not one for this client');
      return { audience: resource.uri, scope: scopes.join(' ') };
    },

    /**
     * The scopes that are asked for: what everyone gets of a resource where the client names no scope that it has
     * (RFC 6749 §3.3). What is beyond its ceiling it does not have, and nobody is asked for it.
     * Throws invalid_target where more resources are named than a person can look through.
     */
    scopeOrDefault(asked: readonly string[], uris: readonly string[], client: Metadata): string[] {
      if (uris.length > MOST_RESOURCES) {
        throw new errors.InvalidTarget(`at most ${MOST_RESOURCES} resources can be asked for at once`);
      }
      const wanted = uris.map(known);
      const open = wanted.map((each) => ({ of: each, scopes: openTo(each, client) }));
      const has = new Set(open.flatMap(({ scopes }) => scopes));
      const closed = wanted.flatMap((each) => each.scopes).filter(({ name }) => !has.has(name));
      const allowed = asked.filter((scope) => !closed.some(({ name }) => name === scope));
      const named = allowed.filter((scope) => has.has(scope));
      const rest = open.filter(({ scopes }) => !scopes.some((name) => named.includes(name)));
      if (rest.length === 0) return allowed;
      const kept = named.length > 0 ? allowed : allowed.filter((scope) => scope === 'openid');
      const usual = rest.flatMap(({ of, scopes }) => {
        const some = defaultScopes(of).filter((name) => scopes.includes(name));
        return some.length > 0 ? some : scopes; // an operator who chose them meant them
      });
      return [...new Set([...usual, ...kept])];
    },

    find: resources.find,
  };
}

/** What these threw, as it is told where the engine does not answer; anything else as it is. */
export function targetRefusal(cause: unknown): unknown {
  if (!(cause instanceof errors.OIDCProviderError)) return cause;
  const { error, error_description: why = cause.message } = cause;
  return new Refusal(why, { reason: 'resource_refused', oauth: error, cause });
}

export type ResourceIndicators = ReturnType<typeof resourceIndicators>;

/**
 * The tools a token may call, scope by scope. With `partialOnly`, just the scopes of which a part was allowed:
 * a token stays small however many tools there are.
 */
export function allowedTools(
  resource: Resource,
  grant: Grant,
  scopes: readonly string[],
  { partialOnly }: { partialOnly: boolean },
): Record<string, string[]> | undefined {
  const tools: Record<string, string[]> = {};
  for (const scope of resource.scopes) {
    if (!scopes.includes(scope.name)) continue;
    const before = grant.tools[scope.name];
    if (scope.tools.length === 0) {
      // The operator names no tools any more; the person allowed these, and nothing beside them.
      if (before) tools[scope.name] = before;
      continue;
    }
    const granted = new Set(before ?? []);
    const allowed = scope.tools.filter((tool) => granted.has(tool.name)).map((tool) => tool.name);
    if (!partialOnly || allowed.length < scope.tools.length) tools[scope.name] = allowed;
  }
  return partialOnly && Object.keys(tools).length === 0 ? undefined : tools;
}
