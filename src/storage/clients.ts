// Registered clients, and the metadata documents of those that are known by their URL.

import type { Write } from './commit.ts';
import { eq } from './drizzle.ts';
import type { Room } from './room.ts';
import { slot, slots, statement } from './statement.ts';

export type ClientRow = {
  id: string;
  origin: string;
  name: string;
  metadata: unknown;
  secret: string | null;
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

export function clientStore({ db, tables: { clients, clientDocuments } }: Room) {
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
  const insert = statement<ClientRow>(
    db
      .insert(clients)
      .values(slots('id', 'origin', 'name', 'metadata', 'secret', 'createdAt', 'lastUsedAt', 'disabledAt'))
      .onConflictDoNothing()
      .returning({ id: clients.id }),
  );
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

  return {
    find: async (id: string): Promise<ClientRow | undefined> => (await byId.execute({ id }))[0],
    list: async (): Promise<ClientRow[]> => db.select().from(clients).orderBy(clients.createdAt),
    /** Loses when the id is taken. */
    insert: (row: ClientRow): Write => ({ ...insert(row), must: true }),
    /** Lose when there is no such client. */
    replace: (row: Pick<ClientRow, 'id' | 'origin' | 'name' | 'metadata' | 'secret'>): Write => ({
      ...replace(row),
      must: true,
    }),
    setDisabled: (id: string, disabledAt: number | null): Write => ({
      ...disabled({ id, disabledAt }),
      must: true,
    }),
    remove: (id: string): Write => ({ ...remove({ id }), must: true }),
    markUsed: (id: string, now: number): Write => used({ id, now }),

    findDocument: async (url: string): Promise<ClientDocumentRow | undefined> =>
      (await document.execute({ url }))[0],
    saveDocument: (row: ClientDocumentRow): Write => saveDocument(row),
  };
}

export type ClientStore = ReturnType<typeof clientStore>;
