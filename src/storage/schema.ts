// Every table, written once for both dialects; those of clients are in schema/clients.
// Beside each column that could hurt: hashed (a digest, useless to who reads it), sealed (AES-256-GCM under
// the key-encryption key), or plain. What carries no remark is plain and harmless.

import type { Columns } from './columns.ts';
import { sql } from './drizzle.ts';
import { clientTables } from './schema/clients.ts';

export function tables(columns: Columns) {
  const { table, text, int, flag, time, json, bytes, index, unique, primaryKey } = columns;
  const accounts = table(
    'accounts',
    {
      id: text('id').primaryKey(),
      username: text('username').notNull(), // plain: folded for comparison
      name: text('name').notNull(), // plain: as the person writes it
      password: text('password'), // hashed: argon2id; null where there is no local password
      administrator: flag('administrator').notNull(),
      createdAt: time('created_at').notNull(),
      disabledAt: time('disabled_at'),
      signInsSince: time('sign_ins_since'), // who signed in before that has to do so again
    },
    (t) => [
      unique('accounts_username').on(t.username),
      index('accounts_administrators').on(t.disabledAt).where(sql`administrator`),
    ],
  );

  // One-time links: the first administrator's.
  const invitations = table(
    'invitations',
    {
      digest: text('digest').primaryKey(), // hashed
      purpose: text('purpose').notNull(),
      createdAt: time('created_at').notNull(),
      expiresAt: time('expires_at').notNull(),
      consumedAt: time('consumed_at'),
    },
    (t) => [index('invitations_expiry').on(t.expiresAt)],
  );

  const { clients, clientDocuments } = clientTables(columns);

  const resources = table(
    'resources',
    {
      uri: text('uri').primaryKey(),
      origin: text('origin').notNull(), // declared | added
      declaration: json('declaration').notNull(), // name, token format, scopes, tools
      serverId: text('server_id'),
      serverSecret: text('server_secret'), // hashed
      createdAt: time('created_at').notNull(),
    },
    (t) => [unique('resources_server').on(t.serverId)],
  );

  // A decision: this account lets this client use these tools of this resource. Ended by a tombstone, never deleted.
  const grants = table(
    'grants',
    {
      id: text('id').primaryKey(),
      accountId: text('account_id').notNull(),
      clientId: text('client_id').notNull(),
      clientName: text('client_name').notNull(), // as the person saw it
      clientIdentity: text('client_identity').notNull(), // hashed: how it authenticates and where codes go
      resource: text('resource').notNull(),
      scopes: json('scopes').notNull(), // string[]
      tools: json('tools').notNull(), // scope → the tools allowed, for scopes that have tools
      upstreams: json('upstreams').notNull(), // string[]: whose credentials the MCP server may be given
      version: int('version').notNull(),
      createdAt: time('created_at').notNull(),
      updatedAt: time('updated_at').notNull(),
      expiresAt: time('expires_at').notNull(),
      endedAt: time('ended_at'),
      endedBy: text('ended_by'),
    },
    (t) => [
      unique('grants_live').on(t.accountId, t.clientId, t.resource).where(sql`ended_at IS NULL`),
      index('grants_account').on(t.accountId, t.endedAt),
      index('grants_resource').on(t.resource, t.endedAt),
      index('grants_standing').on(t.createdAt, t.id).where(sql`ended_at IS NULL`),
    ],
  );

  // One installation's tokens under its grants: begins with a code, goes on by refresh.
  const families = table(
    'families',
    {
      id: text('id').primaryKey(),
      accountId: text('account_id').notNull(),
      clientId: text('client_id').notNull(),
      createdAt: time('created_at').notNull(),
      lastUsedAt: time('last_used_at'),
      accessUntil: time('access_until'), // when the last access token issued runs out
      endedAt: time('ended_at'),
      endedBy: text('ended_by'),
    },
    (t) => [index('families_account').on(t.accountId, t.clientId)],
  );

  const familyGrants = table(
    'family_grants',
    { familyId: text('family_id').notNull(), grantId: text('grant_id').notNull() },
    (t) => [primaryKey({ columns: [t.familyId, t.grantId] }), index('family_grants_grant').on(t.grantId)],
  );

  // What lives from one request to another: codes, refresh and opaque access tokens, sessions, interactions, what was
  // used up, and marks of commits (doubt.ts).
  const artifacts = table(
    'artifacts',
    {
      key: text('key').primaryKey(), // hashed: the digest of model and value
      model: text('model').notNull(),
      payload: text('payload').notNull(), // plain JSON, scrubbed of the value itself
      familyId: text('family_id'),
      uid: text('uid'), // hashed: a session's second name
      expiresAt: time('expires_at'),
      consumedAt: time('consumed_at'),
    },
    (t) => [
      // Few have one, and every token would pay for it. With the model: all codes of a browser's session have the session's.
      index('artifacts_uid').on(t.uid, t.model).where(sql`uid IS NOT NULL`),
      index('artifacts_expiry').on(t.expiresAt),
    ],
  );

  // JWT access tokens revoked alone, remembered until they would have run out.
  const revokedTokens = table(
    'revoked_tokens',
    { jti: text('jti').primaryKey(), expiresAt: time('expires_at').notNull() },
    (t) => [index('revoked_tokens_expiry').on(t.expiresAt)],
  );

  // The vault: what an upstream gave a person here, or the key that they pasted. Ended by a tombstone; until the
  // upstream has been told, an ended row keeps what it is told with.
  const upstreamConnections = table(
    'upstream_connections',
    {
      id: text('id').primaryKey(),
      accountId: text('account_id').notNull(),
      upstream: text('upstream').notNull(), // by the name it is configured under
      kind: text('kind').notNull(), // oauth | key
      issuer: text('issuer').notNull(), // plain: with the subject, whose it is there
      subject: text('subject').notNull(),
      name: text('name').notNull(), // plain: as the upstream calls that person
      sealed: bytes('sealed'), // sealed: access and refresh token, bound to row, account, upstream and version
      scopes: json('scopes').notNull(), // string[]
      version: int('version').notNull(), // one more with every new token
      expiresAt: time('expires_at'), // of the access token
      refreshingUntil: time('refreshing_until'), // somebody asks the upstream just now, or died doing so
      attempts: int('attempts').notNull(), // in vain, since the last that succeeded
      retryAt: time('retry_at'), // not to be asked again before
      createdAt: time('created_at').notNull(),
      updatedAt: time('updated_at').notNull(),
      lastUsedAt: time('last_used_at'),
      endedAt: time('ended_at'),
      endedBy: text('ended_by'),
    },
    (t) => [
      unique('upstream_connections_live').on(t.accountId, t.upstream).where(sql`ended_at IS NULL`),
      index('upstream_connections_account').on(t.accountId, t.endedAt),
      index('upstream_connections_person').on(t.issuer, t.subject).where(sql`ended_at IS NULL`),
      index('upstream_connections_revoke').on(t.retryAt).where(sql`ended_at IS NOT NULL`),
      index('upstream_connections_ended').on(t.endedAt).where(sql`sealed IS NULL`), // the sweep's
    ],
  );

  // One-time links by which a person lets an MCP server use an upstream.
  const connectLinks = table(
    'connect_links',
    {
      digest: text('digest').primaryKey(), // hashed
      accountId: text('account_id').notNull(),
      grantId: text('grant_id').notNull(),
      upstream: text('upstream').notNull(),
      createdAt: time('created_at').notNull(),
      expiresAt: time('expires_at').notNull(),
      consumedAt: time('consumed_at'),
    },
    (t) => [index('connect_links_expiry').on(t.expiresAt)],
  );

  const signingKeys = table(
    'signing_keys',
    {
      kid: text('kid').primaryKey(),
      algorithm: text('algorithm').notNull(),
      state: text('state').notNull(), // next | current | retired
      public: json('public').notNull(), // plain: a public JWK
      private: bytes('private').notNull(), // sealed: PKCS #8
      createdAt: time('created_at').notNull(),
      changedAt: time('changed_at').notNull(),
    },
    // However many processes rotate at once, an algorithm has one key that signs and one that will.
    (t) => [unique('signing_keys_in_use').on(t.algorithm, t.state).where(sql`state <> 'retired'`)],
  );

  // The server's own secrets, by name: the root that others are derived from.
  const secrets = table('secrets', {
    name: text('name').primaryKey(),
    value: bytes('value').notNull(), // sealed
    createdAt: time('created_at').notNull(),
  });

  // Identity providers and other upstreams that people sign in with or connect.
  const upstreams = table('upstreams', {
    name: text('name').primaryKey(),
    origin: text('origin').notNull(), // declared | added
    declaration: json('declaration').notNull(), // plain: everything that is said of it but the secret
    secret: bytes('secret'), // sealed: the client secret or private key, and whom it is for
    createdAt: time('created_at').notNull(),
  });

  // Who an account is at an upstream. Issuer and subject identify a person; nothing else here does.
  const identities = table(
    'identities',
    {
      issuer: text('issuer').notNull(),
      subject: text('subject').notNull(),
      accountId: text('account_id').notNull(),
      upstream: text('upstream').notNull(), // the name it was last used under
      name: text('name'), // plain: as the upstream told it
      username: text('username'), // plain
      email: text('email'), // plain
      domain: text('domain'), // plain: the domain that the upstream vouches for
      groups: json('groups').notNull(), // string[], as of groupsAt
      groupsIncomplete: flag('groups_incomplete').notNull(),
      groupsAt: time('groups_at').notNull(),
      createdAt: time('created_at').notNull(),
      lastUsedAt: time('last_used_at').notNull(),
    },
    (t) => [
      primaryKey({ columns: [t.issuer, t.subject] }),
      index('identities_account').on(t.accountId),
      index('identities_groups').on(t.groupsAt),
    ],
  );

  // Trips of a browser to an upstream and back: signing in, linking, connecting. Short-lived, each used once.
  const upstreamTransactions = table(
    'upstream_transactions',
    {
      state: text('state').primaryKey(), // hashed
      upstream: text('upstream').notNull(),
      purpose: text('purpose').notNull(), // sign_in | link | connect
      browser: text('browser').notNull(), // hashed: the cookie that only the browser holds which set out
      body: text('body').notNull(), // sealed: nonce, verifier and where to go on, under a key from that cookie
      accountId: text('account_id'), // who set out; of a sign-in, who it turned out to be
      expiresAt: time('expires_at').notNull(),
      consumedAt: time('consumed_at'), // back from the upstream
      finishedAt: time('finished_at'), // handed to the interaction that it was for
    },
    (t) => [index('upstream_transactions_expiry').on(t.expiresAt)],
  );

  const audit = table(
    'audit',
    {
      id: text('id').primaryKey(), // sorts by time
      at: time('at').notNull(),
      action: text('action').notNull(),
      outcome: text('outcome').notNull(), // done | refused
      reason: text('reason'),
      accountId: text('account_id'),
      clientId: text('client_id'),
      resource: text('resource'),
      grantId: text('grant_id'),
      familyId: text('family_id'),
      traceId: text('trace_id'),
      detail: json('detail'),
    },
    // Every request writes here: an index more is a page more to write each time. References are given out in order.
    (t) => [index('audit_trace').on(t.traceId)],
  );

  return {
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
    upstreamTransactions,
    upstreams,
    identities,
    audit,
  };
}

export type Tables = ReturnType<typeof tables>;
