// The tables by name, as drizzle-kit wants them.
import { postgresColumns } from '../columns.ts';
import { tables } from '../schema.ts';

export const {
  accounts,
  invitations,
  clients,
  clientDocuments,
  resources,
  grants,
  families,
  familyGrants,
  artifacts,
  revokedTokens,
  upstreamConnections,
  connectLinks,
  signingKeys,
  secrets,
  upstreams,
  upstreamTransactions,
  identities,
  audit,
} = tables(postgresColumns);
