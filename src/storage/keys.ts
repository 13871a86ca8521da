// Signing keys and the server's own secrets; private parts arrive sealed and leave sealed.

import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { Write } from './commit.ts';
import { and, eq, gt, isNotNull } from './drizzle.ts';
import { paged } from './pages.ts';
import type { Room } from './room.ts';
import { slot, slots, statement } from './statement.ts';

export type KeyRow = {
  kid: string;
  algorithm: string;
  state: string;
  public: unknown;
  private: Buffer;
  createdAt: number;
  changedAt: number;
};

/** A sealed value, wherever it stands. */
export type SealedValue = {
  table: 'signing_keys' | 'secrets' | 'upstreams' | 'upstream_connections';
  id: string;
  sealed: Buffer;
  /** What it is bound to besides its table and row. */
  bound?: (string | number)[];
};

export function keyStore({ db, tables: { signingKeys, secrets, upstreams, upstreamConnections } }: Room) {
  const connections = () =>
    paged(async (after: typeof upstreamConnections.$inferSelect | undefined, limit) =>
      db
        .select()
        .from(upstreamConnections)
        .where(and(isNotNull(upstreamConnections.sealed), after && gt(upstreamConnections.id, after.id)))
        .orderBy(upstreamConnections.id)
        .limit(limit),
    );
  const all = db
    .select()
    .from(signingKeys)
    .orderBy(signingKeys.createdAt, signingKeys.kid)
    .prepare('keys_all');
  const insert = statement<KeyRow>(
    db
      .insert(signingKeys)
      .values(slots('kid', 'algorithm', 'state', 'public', 'private', 'createdAt', 'changedAt'))
      .onConflictDoNothing()
      .returning({ kid: signingKeys.kid }),
  );
  const move = statement<{ kid: string; from: string; to: string; now: number }>(
    db
      .update(signingKeys)
      .set({ state: slot('to'), changedAt: slot('now') })
      .where(and(eq(signingKeys.kid, slot('kid')), eq(signingKeys.state, slot('from'))))
      .returning({ kid: signingKeys.kid }),
  );
  const remove = statement<{ kid: string; state: string }>(
    db
      .delete(signingKeys)
      .where(and(eq(signingKeys.kid, slot('kid')), eq(signingKeys.state, slot('state'))))
      .returning({ kid: signingKeys.kid }),
  );
  type Resealed = { id: string; from: Buffer; to: Buffer };
  // The column is called in the table what it is called here.
  const resealing = (table: PgTable, key: PgColumn, sealed: PgColumn) =>
    statement<Resealed>(
      db
        .update(table)
        .set({ [sealed.name]: slot('to') })
        .where(and(eq(key, slot('id')), eq(sealed, slot('from'))))
        .returning({ id: key }),
    );
  const reseal = {
    signing_keys: resealing(signingKeys, signingKeys.kid, signingKeys.private),
    secrets: resealing(secrets, secrets.name, secrets.value),
    upstreams: resealing(upstreams, upstreams.name, upstreams.secret),
    upstream_connections: resealing(upstreamConnections, upstreamConnections.id, upstreamConnections.sealed),
  };
  const secret = db
    .select()
    .from(secrets)
    .where(eq(secrets.name, slot('name')))
    .prepare('secret_by_name');
  const insertSecret = statement<{ name: string; value: Buffer; createdAt: number }>(
    db
      .insert(secrets)
      .values(slots('name', 'value', 'createdAt'))
      .onConflictDoNothing(),
  );

  return {
    list: async (): Promise<KeyRow[]> => all.execute(),
    /** Loses when there is a next (or a current) one of this algorithm already. */
    insert: (row: KeyRow): Write => ({ ...insert(row), must: true, changes: 'keys' }),
    /** Loses when another process moved it first. */
    move: (kid: string, from: string, to: string, now: number): Write => ({
      ...move({ kid, from, to, now }),
      must: true,
      changes: 'keys',
    }),
    /** Loses when another process removed it first. */
    removeRetired: (kid: string): Write => ({
      ...remove({ kid, state: 'retired' }),
      must: true,
      changes: 'keys',
    }),
    /** Every value of the database that is sealed with a key-encryption key. */
    async *sealed(): AsyncGenerator<SealedValue> {
      for (const row of await all.execute())
        yield { table: 'signing_keys', id: row.kid, sealed: row.private };
      for (const row of await db.select().from(secrets).orderBy(secrets.name))
        yield { table: 'secrets', id: row.name, sealed: row.value };
      for (const { name, secret } of await db.select().from(upstreams).orderBy(upstreams.name))
        if (secret) yield { table: 'upstreams', id: name, sealed: secret };
      for await (const { id, accountId, upstream, version, sealed } of connections())
        if (sealed)
          yield { table: 'upstream_connections', id, sealed, bound: [accountId, upstream, version] };
    },
    /** Loses when the value is not what it was. */
    reseal: ({ table, id, sealed }: SealedValue, to: Buffer): Write => ({
      ...reseal[table]({ id, from: sealed, to }),
      must: true,
    }),
    findSecret: async (name: string): Promise<Buffer | undefined> =>
      (await secret.execute({ name }))[0]?.value,
    /** Keeps what is there: of two processes starting at once, the first to write wins. */
    addSecret: (name: string, value: Buffer, createdAt: number): Write =>
      insertSecret({ name, value, createdAt }),
  };
}

export type KeyStore = ReturnType<typeof keyStore>;
