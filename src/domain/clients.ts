// Clients: the applications that ask. Registered by themselves, declared in the configuration, or added by hand;
// those known by a URL bring a document instead (clients/documents). What metadata is acceptable is for oauth/ to say.

import type { Clock } from '../clock.ts';
import type { ClientDeclaration } from '../config.ts';
import { digest, random, sameDigest } from '../crypto.ts';
import { Refusal } from '../errors.ts';
import type { ClientRow, ClientStore } from '../storage/clients.ts';
import type { Work } from '../storage/commit.ts';
import type { Audit } from './audit.ts';
import { declaredMetadata } from './clients/declared.ts';

export type ClientOrigin = 'declared' | 'added' | 'registered';

/** RFC 7591 members; never with the secret itself. */
export type ClientMetadata = Record<string, unknown> & { client_id: string };

export type Client = {
  id: string;
  origin: ClientOrigin;
  name: string;
  metadata: ClientMetadata;
  secretDigest: string | null;
  lastUsedAt: number | null;
  disabled: boolean;
};

const SECRET = 'client secret';

export const secretDigest = (secret: string): string => digest(SECRET, secret);

/** Whether `secret` is the one whose digest is kept. */
export const secretIs = (kept: string, secret: string): boolean => sameDigest(kept, secretDigest(secret));

const client = (row: ClientRow): Client => ({
  id: row.id,
  origin: row.origin as ClientOrigin,
  name: row.name,
  metadata: row.metadata as ClientMetadata,
  secretDigest: row.secret,
  lastUsedAt: row.lastUsedAt,
  disabled: row.disabledAt !== null,
});

const unknown = (id: string): Refusal =>
  new Refusal(`There is no client ${JSON.stringify(id)}.`, {
    reason: 'client_unknown',
    status: 404,
    hint: '`cardea client list` shows them.',
  });

export function clients({ store, audit, clock }: { store: ClientStore; audit: Audit; clock: Clock }) {
  async function existing(id: string): Promise<ClientRow> {
    const row = await store.find(id);
    if (!row) throw unknown(id);
    return row;
  }

  const row = (declared: ClientDeclaration, origin: ClientOrigin): ClientRow => ({
    id: declared.id,
    origin,
    name: declared.name,
    metadata: declaredMetadata(declared),
    secret: declared.secret ? secretDigest(declared.secret.reveal()) : null,
    createdAt: clock(),
    lastUsedAt: null,
    disabledAt: null,
  });

  return {
    async find(id: string): Promise<Client | undefined> {
      const found = await store.find(id);
      return found && client(found);
    },

    list: async (): Promise<Client[]> => (await store.list()).map(client),

    /** A URL-safe id that never looks like a metadata document's (CIMD: "client_id" that starts with https://). */
    newId: (): string => `c_${random(16)}`,

    /** Keeps what a client registered of itself; `secret` is kept as its digest. */
    register(work: Work, metadata: ClientMetadata, secret: string | undefined, traceId?: string): void {
      const name = typeof metadata['client_name'] === 'string' ? metadata['client_name'] : metadata.client_id;
      work.add(
        store.insert({
          id: metadata.client_id,
          origin: 'registered',
          name,
          metadata,
          secret: secret === undefined ? null : secretDigest(secret),
          createdAt: clock(),
          lastUsedAt: null,
          disabledAt: null,
        }),
      );
      audit.record(work, {
        action: 'client.registered',
        clientId: metadata.client_id,
        traceId,
        detail: { name },
      });
    },

    /** Makes the table say what the configuration says. */
    async declare(work: Work, declared: readonly ClientDeclaration[]): Promise<void> {
      const rows = await store.list();
      const there = new Map(rows.map((each) => [each.id, each]));
      for (const each of declared) {
        work.add(
          there.has(each.id) ? store.replace(row(each, 'declared')) : store.insert(row(each, 'declared')),
        );
      }
      const names = new Set(declared.map((each) => each.id));
      for (const each of rows) {
        if (each.origin === 'declared' && !names.has(each.id)) work.add(store.remove(each.id));
      }
    },

    /** Adds a client by hand. Throws a Refusal when the id is taken. */
    add(work: Work, declared: ClientDeclaration): Client {
      const made = row(declared, 'added');
      const taken = new Refusal(`There is already a client ${JSON.stringify(declared.id)}.`, {
        reason: 'client_exists',
      });
      work.add({ ...store.insert(made), lost: async () => taken });
      audit.record(work, { action: 'client.added', clientId: made.id, detail: { name: made.name } });
      return client(made);
    },

    async remove(work: Work, id: string): Promise<void> {
      const found = await existing(id);
      if (found.origin === 'declared') {
        throw new Refusal(`${id} is declared in the configuration file.`, {
          reason: 'client_declared',
          hint: 'Remove it there.',
        });
      }
      work.add(store.remove(id));
      audit.record(work, { action: 'client.removed', clientId: id });
    },

    /** A disabled client is refused everywhere, at once. */
    async setDisabled(work: Work, id: string, disabled: boolean): Promise<void> {
      await existing(id);
      work.add(store.setDisabled(id, disabled ? clock() : null));
      audit.record(work, { action: disabled ? 'client.disabled' : 'client.enabled', clientId: id });
    },

    markUsed: (work: Work, id: string): void => work.add(store.markUsed(id, clock())),
  };
}

export type Clients = ReturnType<typeof clients>;
