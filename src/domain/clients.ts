// Clients: the applications that ask. Declared in the configuration, added by hand, or registered by themselves
// (clients/registrations); those known by a URL bring a document instead (clients/documents). A client whose id says
// what it is needs no row until somebody lets it in, and one with a document none until it is disabled. What metadata is acceptable is for oauth/ to say.

import type { Clock } from '../clock.ts';
import type { ClientDeclaration } from '../config.ts';
import { digest, sameDigest } from '../crypto.ts';
import { Refusal } from '../errors.ts';
import type { ClientRow, ClientStore } from '../storage/clients.ts';
import type { Work } from '../storage/commit.ts';
import type { Audit } from './audit.ts';
import { declaredMetadata } from './clients/declared.ts';
import { isDocumentUrl } from './clients/documents.ts';
import { type Identified, type Identifiers, managementDigest } from './clients/identifiers.ts';
import { kindOf } from './clients/kind.ts';

/** `document`: known by its address, and here only because it is disabled. */
export type ClientOrigin = 'declared' | 'added' | 'registered' | 'document';

/** RFC 7591 members; never with the secret itself. */
export type ClientMetadata = Record<string, unknown> & { client_id: string };

export type Client = {
  id: string;
  origin: ClientOrigin;
  name: string;
  metadata: ClientMetadata;
  secretDigest: string | null;
  /** Of the registration access token; null where nobody may change what is registered. */
  managementDigest: string | null;
  /** Ms since the epoch; null where nobody knows. */
  createdAt: number | null;
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
  managementDigest: row.management,
  createdAt: row.createdAt,
  lastUsedAt: row.lastUsedAt,
  disabled: row.disabledAt !== null,
});

/** An id that was removed, so that what it says of itself counts no more. */
export const removed = (row: ClientRow): boolean => row.origin === 'removed';

/** The row of what a client registered of itself, as it is first written. */
export function registeredRow(
  { id, metadata, owner, secret, management }: Identified,
  now: number,
): ClientRow {
  const own = typeof owner !== 'number';
  const name = typeof metadata['client_name'] === 'string' ? metadata['client_name'] : id;
  return {
    id,
    origin: 'registered',
    name,
    metadata: { ...metadata, client_id: id },
    secret: own ? secretDigest(secret) : null,
    management: own ? managementDigest(management) : null,
    kind: kindOf(metadata),
    createdAt: own ? owner.at : now,
    lastUsedAt: null,
    disabledAt: null,
  };
}

/** What is kept of a client that has a document, while it is disabled. */
const documentRow = (url: string, now: number): ClientRow => ({
  id: url,
  origin: 'document',
  name: new URL(url).host,
  metadata: { client_id: url },
  secret: null,
  management: null,
  kind: null,
  createdAt: now,
  lastUsedAt: null,
  disabledAt: null,
});

const unknown = (id: string): Refusal =>
  new Refusal(`There is no client ${JSON.stringify(id)}.`, {
    reason: 'client_unknown',
    status: 404,
    hint: '`cardea client list` shows them.',
  });

// An id is printable ASCII (RFC 6749 Appendix A.1); anything else is nobody's, and no database need be asked.
const ID = /^[\x20-\x7e]{1,2048}$/;

export function clients({
  store,
  identifiers,
  audit,
  clock,
}: {
  store: ClientStore;
  identifiers: Identifiers;
  audit: Audit;
  clock: Clock;
}) {
  /** What is kept of a client, or would be: `stored` tells which. Neither for an id that was removed. */
  async function rowOf(
    id: string,
    look: (id: string) => Promise<ClientRow | undefined> = store.find,
  ): Promise<{ row: ClientRow; stored: boolean } | undefined> {
    if (!ID.test(id)) return undefined;
    const row = await look(id);
    if (row) return removed(row) ? undefined : { row, stored: true };
    const said = identifiers.read(id);
    return said && { row: registeredRow(said, clock()), stored: false };
  }

  async function existing(id: string): Promise<{ row: ClientRow; stored: boolean }> {
    const found = await rowOf(id);
    if (!found) throw unknown(id);
    return found;
  }

  const row = (declared: ClientDeclaration, origin: ClientOrigin): ClientRow => ({
    id: declared.id,
    origin,
    name: declared.name,
    metadata: declaredMetadata(declared),
    secret: declared.secret ? secretDigest(declared.secret.reveal()) : null,
    management: null,
    kind: null,
    createdAt: clock(),
    lastUsedAt: null,
    disabledAt: null,
  });

  return {
    /** Also one that has no row, because its id says what it is. */
    async find(id: string): Promise<Client | undefined> {
      const found = await rowOf(id);
      return found && client(found.row);
    },

    /**
     * As `find`, for requests that programs make all day. After another process changed it, a second old at most;
     * its `metadata` is the same object as long as nothing changed.
     */
    async recent(id: string): Promise<Client | undefined> {
      const found = await rowOf(id, store.recent);
      return found && client(found.row);
    },

    /** Those that have a row: entered by the operator, or let in by somebody. */
    async *list(): AsyncGenerator<Client> {
      for await (const each of store.list()) if (!removed(each)) yield client(each);
    },

    /** Makes the table say what the configuration says. */
    async declare(work: Work, declared: readonly ClientDeclaration[]): Promise<void> {
      // Only these are read: whoever registered may be a million, and a server starts in a second.
      const rows = await store.declared();
      for (const each of declared) {
        const there = await store.find(each.id);
        work.add(there ? store.replace(row(each, 'declared')) : store.insert(row(each, 'declared')));
      }
      const names = new Set(declared.map((each) => each.id));
      for (const each of rows) {
        if (!names.has(each.id)) work.add(store.remove(each.id));
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

    /** For good, where it registered itself: the id stays refused, and whoever registers again gets another. */
    async remove(work: Work, id: string): Promise<void> {
      const found = await existing(id);
      if (found.row.origin === 'declared') {
        throw new Refusal(`${id} is declared in the configuration file.`, {
          reason: 'client_declared',
          hint: 'Remove it there.',
        });
      }
      if (found.row.origin === 'document') {
        throw new Refusal(`${id} is known by its document, and refused as long as it is disabled.`, {
          reason: 'client_document_kept',
          hint: '`cardea client enable` lets it in again.',
        });
      }
      if (found.row.origin === 'registered') work.add(store.bury(tombstone(found.row, clock())));
      else work.add(store.remove(id));
      audit.record(work, { action: 'client.removed', clientId: id });
    },

    /** A disabled client is refused everywhere, at once; also one that nobody has let in yet, or that has a document. */
    async setDisabled(work: Work, id: string, disabled: boolean): Promise<void> {
      const { row, stored } =
        isDocumentUrl(id) && disabled ? { row: documentRow(id, clock()), stored: false } : await existing(id);
      if (disabled) work.add(store.disable({ ...row, disabledAt: clock() }));
      else if (row.origin === 'document') work.add(store.remove(id));
      else if (stored) work.add(store.setDisabled(id, null));
      audit.record(work, { action: disabled ? 'client.disabled' : 'client.enabled', clientId: id });
    },

    /**
     * Somebody has let the client in: from now on it has a row, and is never forgotten for want of use.
     * True the first time. Nothing for a client that is known by its document.
     */
    async used(work: Work, id: string, traceId?: string): Promise<boolean> {
      const found = await rowOf(id);
      if (!found || found.row.lastUsedAt !== null) return false;
      const { row, stored } = found;
      if (stored) work.add(store.markUsed(id, clock()));
      else {
        // Two at once: whoever is second finds it done, or finds it stopped, which the engine's next look-up sees.
        work.add({ ...store.insert({ ...row, lastUsedAt: clock() }), lost: async () => 'go on' });
        audit.record(work, {
          action: 'client.registered',
          clientId: id,
          traceId,
          detail: { name: row.name },
        });
      }
      return true;
    },
  };
}

/** What is left of a client that registered itself and was removed: the id, so that it stays refused. */
export const tombstone = (row: ClientRow, now: number): ClientRow => ({
  ...row,
  origin: 'removed',
  metadata: { client_id: row.id },
  secret: null,
  management: null,
  kind: null,
  disabledAt: now,
});

export type Clients = ReturnType<typeof clients>;
