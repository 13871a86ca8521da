// The tables of clients: part of the schema, and written as it is (which see, also for what the remarks mean).

import type { Columns } from '../columns.ts';

export function clientTables({ table, text, time, json, index }: Columns) {
  const clients = table(
    'clients',
    {
      id: text('id').primaryKey(),
      origin: text('origin').notNull(), // declared | added | registered | removed: an id that must not come back | document: one that is disabled
      name: text('name').notNull(),
      metadata: json('metadata').notNull(), // plain: RFC 7591 members, without the secret
      secret: text('secret'), // hashed
      management: text('management'), // hashed: the registration access token (RFC 7592)
      kind: text('kind'), // hashed: what all installations of one product register alike
      createdAt: time('created_at').notNull(),
      lastUsedAt: time('last_used_at'),
      disabledAt: time('disabled_at'),
    },
    (t) => [
      index('clients_unused').on(t.origin, t.lastUsedAt, t.createdAt),
      index('clients_kind').on(t.kind, t.lastUsedAt),
    ],
  );

  // Client ID Metadata Documents, shared by every process (RFC 9111 freshness, stale when the host is down).
  const clientDocuments = table('client_documents', {
    url: text('url').primaryKey(),
    document: json('document').notNull(),
    digest: text('digest').notNull(),
    fetchedAt: time('fetched_at').notNull(),
    freshUntil: time('fresh_until').notNull(),
  });

  return { clients, clientDocuments };
}
