// Resources: the MCP servers that tokens are made for, their scopes in plain words, and which tool belongs to which.
// The registry is small and read on every request, so it is kept in memory and read again when asked.

import type { Clock } from '../clock.ts';
import { canonicalResource } from '../config/resource-uri.ts';
import type {
  ClientKeys,
  ResourceDeclaration,
  ScopeDeclaration,
  ToolDeclaration,
  UpstreamUse,
} from '../config.ts';
import { Refusal } from '../errors.ts';
import type { Work } from '../storage/commit.ts';
import type { GrantStore } from '../storage/grants.ts';
import type { ResourceRow, ResourceStore } from '../storage/resources.ts';
import type { Audit } from './audit.ts';
import { secretDigest } from './clients.ts';

export type Resource = Omit<ResourceDeclaration, 'server'> & {
  /** Where it was said: the configuration, or the command line. */
  origin: 'declared' | 'added';
  server?: { id: string; secretDigest: string | null; jwks?: ClientKeys; jwksUri?: string };
};

/** What is kept of a declaration beside what has a column of its own. */
type Kept = Omit<ResourceDeclaration, 'server' | 'uri'> & {
  serverKeys?: Pick<NonNullable<ResourceDeclaration['server']>, 'jwks' | 'jwksUri'>;
};

export type Tool = ToolDeclaration & { scope: string };

function resource(row: ResourceRow): Resource {
  const { serverKeys, ...declaration } = row.declaration as Kept;
  const { uri, serverId: id, serverSecret: secretDigest } = row;
  const proven = id !== null && (secretDigest !== null || serverKeys !== undefined);
  const origin = row.origin as Resource['origin'];
  return { ...declaration, uri, origin, ...(proven && { server: { id, secretDigest, ...serverKeys } }) };
}

/** What an upstream is used for at a resource, if it is. */
export const upstreamUse = (resource: Resource, name: string): UpstreamUse | undefined =>
  resource.upstreams?.find((use) => use.name === name);

/** The scope of this name, if the resource has it. */
export const scopeOf = (resource: Resource, name: string): ScopeDeclaration | undefined =>
  resource.scopes.find((scope) => scope.name === name);

/** The scopes a client gets when it names none. */
export const defaultScopes = (resource: Resource): string[] =>
  resource.scopes.filter((scope) => scope.default).map((scope) => scope.name);

export function resources({
  store,
  grants,
  audit,
  clock,
  work: begin,
}: {
  store: ResourceStore;
  grants: GrantStore;
  audit: Audit;
  clock: Clock;
  /** Begins a commit of its own. */
  work: () => Work;
}) {
  let known: Resource[] = [];
  let byCanonical = new Map<string, Resource>();
  let byServer = new Map<string, Resource>();

  function keep(all: Resource[]): void {
    known = all;
    byCanonical = new Map(all.map((each) => [canonicalResource(each.uri), each]));
    byServer = new Map(all.flatMap((each) => (each.server ? [[each.server.id, each] as const] : [])));
  }

  function save(
    work: Work,
    { server, uri, ...declaration }: ResourceDeclaration,
    origin: Resource['origin'],
  ): void {
    const { id = null, secret, ...serverKeys } = server ?? {};
    const kept: Kept = { ...declaration, ...(Object.keys(serverKeys).length > 0 && { serverKeys }) };
    work.add(
      store.save({
        uri,
        origin,
        declaration: kept,
        serverId: id,
        serverSecret: secret ? secretDigest(secret.reveal()) : null,
        createdAt: clock(),
      }),
    );
  }

  /** Ends every grant for a resource, the newest with `work`. */
  async function endGrants(work: Work, uri: string, by: string): Promise<void> {
    // A million of them in one statement would keep everybody else waiting. The last commit has those that are new.
    for (let left = true; left; ) {
      const some = begin();
      some.add({
        ...grants.endSomeOfResource(uri, by, clock()),
        async lost() {
          left = false;
          return 'go on';
        },
      });
      await some.commit();
    }
    work.add(grants.endAllOfResource(uri, by, clock()));
  }

  return {
    /** Reads the registry anew; a change made by another process is seen after this. */
    async refresh(): Promise<void> {
      keep((await store.list()).map(resource));
    },

    all: (): readonly Resource[] => known,

    /** By URI, compared as RFC 8707 clients write it: case of scheme and host, default port, a bare origin's slash. */
    find: (uri: string): Resource | undefined =>
      byCanonical.get(uri) ?? byCanonical.get(canonicalResource(uri)), // most write it as it is compared

    /** The resource that is the MCP server of this id. */
    ofServer: (id: string): Resource | undefined => byServer.get(id),

    /**
     * Makes the registry say what the configuration says. One that has left the configuration gets no more tokens;
     * its grants stay, and work again should it come back.
     */
    async declare(work: Work, declared: readonly ResourceDeclaration[]): Promise<void> {
      const names = new Set(declared.map((each) => each.uri));
      for (const each of declared) save(work, each, 'declared');
      for (const row of await store.list()) {
        if (row.origin === 'declared' && !names.has(row.uri)) work.add(store.remove(row.uri));
      }
    },

    /** Adds a resource, or replaces one that was added. Throws a Refusal where the configuration declares it. */
    async add(work: Work, declaration: ResourceDeclaration): Promise<void> {
      const there = (await store.list()).find(
        (row) => canonicalResource(row.uri) === canonicalResource(declaration.uri),
      );
      if (there?.origin === 'declared') {
        throw new Refusal(`${there.uri} is declared in the configuration file.`, {
          reason: 'resource_declared',
          hint: 'Change it there.',
        });
      }
      if (there && there.uri !== declaration.uri) {
        throw new Refusal(`${there.uri} is the same resource, written differently.`, {
          reason: 'resource_exists',
          hint: `Use ${there.uri}, or remove it first.`,
        });
      }
      // What was allowed of this address while the configuration declared it was another server's, for all we know.
      if (!there) await endGrants(work, declaration.uri, 'resource_added');
      save(work, declaration, 'added');
      audit.record(work, { action: 'resource.added', resource: declaration.uri });
    },

    /** Removes it and ends every grant for it: should somebody else take the address, no old grant applies. */
    async remove(work: Work, uri: string): Promise<void> {
      const there = (await store.list()).find((row) => row.uri === uri);
      if (!there) {
        throw new Refusal(`There is no resource ${JSON.stringify(uri)}.`, {
          reason: 'resource_unknown',
          status: 404,
          hint: '`cardea resource list` shows them.',
        });
      }
      if (there.origin === 'declared') {
        throw new Refusal(`${uri} is declared in the configuration file.`, {
          reason: 'resource_declared',
          hint: 'Remove it there.',
        });
      }
      await endGrants(work, uri, 'resource_removed');
      work.add(store.remove(uri));
      audit.record(work, { action: 'resource.removed', resource: uri });
    },
  };
}

export type Resources = ReturnType<typeof resources>;
