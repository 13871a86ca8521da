// A connection, in the words of the page that lists them.

import type { Connection as Shown } from '../../../views/connections.ts';
import type { ToolDeclaration } from '../../config.ts';
import { isDocumentUrl } from '../../domain/clients/documents.ts';
import type { Connection } from '../../domain/grants.ts';
import { dayOf, momentOf } from './moments.ts';
import type { Domain } from './rooms.ts';

type Held = Pick<ToolDeclaration, 'description' | 'effect'>;

const EFFECTS = ['read', 'write', 'destroy'] as const;

/** What is allowed and still exists: a tool that has left the resource can no longer be called. */
function allowed({ scopes, tools, resource }: Connection, { resources }: Domain) {
  const known = resources.find(resource);
  const each = (known?.scopes ?? []).filter(({ name }) => scopes.includes(name));
  const held = each.flatMap((scope): Held[] =>
    scope.tools.length === 0
      ? [{ description: scope.description, effect: 'read' as const }]
      : scope.tools.filter(({ name }) => tools[scope.name]?.includes(name) ?? false),
  );
  return { name: known?.name ?? resource, held };
}

export async function shownConnection(connection: Connection, domain: Domain): Promise<Shown> {
  const { name, held } = allowed(connection, domain);
  const client = await domain.clients.find(connection.clientId);
  return {
    id: connection.id,
    // Vouched for by whoever runs this server; everyone else named themselves.
    client: {
      name: connection.clientName,
      verified: client !== undefined && client.origin !== 'registered',
      ...(isDocumentUrl(connection.clientId) && { host: new URL(connection.clientId).host }),
    },
    resource: { name, uri: connection.resource },
    tools: held.map(({ description }) => description),
    effects: EFFECTS.filter((effect) => held.some((tool) => tool.effect === effect)),
    since: dayOf(connection.createdAt),
    ...(connection.lastUsedAt === null ? {} : { lastUsed: momentOf(connection.lastUsedAt, domain.clock()) }),
    installations: connection.installations,
    endsBy: dayOf(connection.expiresAt),
  };
}
