// Registered clients, and the metadata documents of those that are known by their URL.

import type { Write } from './commit.ts';
import { and, eq, gt, isNotNull, sql } from './drizzle.ts';
import { paged } from './pages.ts';
import { recent } from './recent.ts';
import type { Room } from './room.ts';
import { type Statement, slot, slots, statement } from './statement.ts';

export type ClientRow = {
  id: string;
  origin: string;
  name: string;
  metadata: unknown;
  secret: string | null;
  management: string | null;
  kind: string | null;
  createdAt: number;
  lastUsedAt: number | null;
  disabledAt: number | null;
};

export type ClientDocumentRow = {
  url: string;
  document: unknown;
  digest: string;
  fetchedAt: number;
  freshUntil: number;
};

const COLUMNS: Partial<Record<keyof ClientRow, string>> = {
  lastUsedAt: 'last_used_at',
  disabledAt: 'disabled_at',
};

/** What of a client is written anew when only its id is left. */
const BURIED = ['origin', 'metadata', 'secret', 'management', 'kind', 'disabledAt'] as const;

/** What an INSERT wanted to write, for the row that was there already. */
const excluded = (...names: (keyof ClientRow)[]) =>
  Object.fromEntries(names.map((name) => [name, sql.raw(`excluded.${COLUMNS[name] ?? name}`)]));

export function clientStore({ db, tables: { clients, clientDocuments }, touched, others }: Room) {
  const byId = db
    .select()
    .from(clients)
    .where(eq(clients.id, slot('id')))
    .prepare('client_by_id');
  const document = db
    .select()
    .from(clientDocuments)
    .where(eq(clientDocuments.url, slot('url')))
    .prepare('client_document');
  const everything = slots(
    ...(['id', 'origin', 'name', 'metadata', 'secret', 'management', 'kind'] as const),
    ...(['createdAt', 'lastUsedAt', 'disabledAt'] as const),
  );
  const insert = statement<ClientRow>(
    db.insert(clients).values(everything).onConflictDoNothing().returning({ id: clients.id }),
  );
  // What a client registered of itself may change only while nobody has stopped it.
  const live = sql`${clients.origin} = 'registered' AND ${clients.disabledAt} IS NULL`;
  const overwrite = (...names: (keyof ClientRow)[]) =>
    statement<ClientRow>(
      db
        .insert(clients)
        .values(everything)
        .onConflictDoUpdate({ target: clients.id, set: excluded(...names), setWhere: live })
        .returning({ id: clients.id }),
    );
  const update = overwrite('name', 'metadata', 'kind', 'lastUsedAt');
  const retire = overwrite(...BURIED);
  const bury = statement<ClientRow>(
    db
      .insert(clients)
      .values(everything)
      .onConflictDoUpdate({ target: clients.id, set: excluded(...BURIED) })
      .returning({ id: clients.id }),
  );
  const disable = statement<ClientRow>(
    db
      .insert(clients)
      .values(everything)
      .onConflictDoUpdate({ target: clients.id, set: excluded('disabledAt') })
      .returning({ id: clients.id }),
  );
  const usedKind = db
    .select({ id: clients.id })
    .from(clients)
    .where(and(eq(clients.kind, slot('kind')), isNotNull(clients.lastUsedAt)))
    .limit(1)
    .prepare('client_used_kind');
  const replace = statement<Pick<ClientRow, 'id' | 'origin' | 'name' | 'metadata' | 'secret'>>(
    db
      .update(clients)
      .set(slots('origin', 'name', 'metadata', 'secret'))
      .where(eq(clients.id, slot('id')))
      .returning({ id: clients.id }),
  );
  const used = statement<{ id: string; now: number }>(
    db
      .update(clients)
      .set({ lastUsedAt: slot('now') })
      .where(eq(clients.id, slot('id'))),
  );
  const disabled = statement<{ id: string; disabledAt: number | null }>(
    db
      .update(clients)
      .set({ disabledAt: slot('disabledAt') })
      .where(eq(clients.id, slot('id')))
      .returning({ id: clients.id }),
  );
  const remove = statement<{ id: string }>(
    db
      .delete(clients)
      .where(eq(clients.id, slot('id')))
      .returning({ id: clients.id }),
  );
  const saveDocument = statement<ClientDocumentRow>(
    db
      .insert(clientDocuments)
      .values(slots('url', 'document', 'digest', 'fetchedAt', 'freshUntil'))
      .onConflictDoUpdate({
        target: clientDocuments.url,
        set: slots('document', 'digest', 'fetchedAt', 'freshUntil'),
      }),
  );

  const find = async (id: string): Promise<ClientRow | undefined> => (await byId.execute({ id }))[0];
  const write = (given: Statement): Write => ({ ...given, table: 'clients' });

  return {
    find,
    /** As `find`, for a client in use: from memory, and after another process changed it a second old at most. */
    recent: recent({
      read: find,
      keeps: (row) => row.lastUsedAt !== null && row.disabledAt === null,
      touched,
      others,
    }),
    /** By id. */
    list: (): AsyncGenerator<ClientRow> =>
      paged(async (after: ClientRow | undefined, limit) =>
        db
          .select()
          .from(clients)
          .where(after && gt(clients.id, after.id))
          .orderBy(clients.id)
          .limit(limit),
      ),
    /** Those of the configuration. */
    declared: async (): Promise<ClientRow[]> =>
      db.select().from(clients).where(eq(clients.origin, 'declared')),
    /** Whether a client of this kind was ever let in. */
    kindUsed: async (kind: string): Promise<boolean> => (await usedKind.execute({ kind })).length > 0,
    /** Loses when the id is taken. */
    insert: (row: ClientRow): Write => ({ ...write(insert(row)), must: true }),
    /** Lose when there is no such client. */
    replace: (row: Pick<ClientRow, 'id' | 'origin' | 'name' | 'metadata' | 'secret'>): Write => ({
      ...write(replace(row)),
      must: true,
    }),
    /** The row as its registrant changes it, there already or not; loses when it was disabled or removed. */
    update: (row: ClientRow): Write => ({ ...write(update(row)), must: true }),
    /** Leaves a tombstone, there already or not; loses when it was disabled or removed. */
    retire: (row: ClientRow): Write => ({ ...write(retire(row)), must: true }),
    /** The same by an operator, whatever state it is in. */
    bury: (row: ClientRow): Write => write(bury(row)),
    /** Disables a client, there already or not. */
    disable: (row: ClientRow): Write => write(disable(row)),
    setDisabled: (id: string, disabledAt: number | null): Write => ({
      ...write(disabled({ id, disabledAt })),
      must: true,
    }),
    remove: (id: string): Write => ({ ...write(remove({ id })), must: true }),
    markUsed: (id: string, now: number): Write => write(used({ id, now })),

    findDocument: async (url: string): Promise<ClientDocumentRow | undefined> =>
      (await document.execute({ url }))[0],
    saveDocument: (row: ClientDocumentRow): Write => saveDocument(row),
  };
}

export type ClientStore = ReturnType<typeof clientStore>;
