// What clients register of themselves (RFC 7591), and change or withdraw later (RFC 7592). Whoever registers the same
// gets the same id, and nothing is written for it; only a client with a secret has a registration of its own, since
// two who share one could impersonate each other, and only such a one can be managed.

import type { Clock } from '../../clock.ts';
import { random, sameSecret } from '../../crypto.ts';
import { Refusal } from '../../errors.ts';
import type { ClientRow, ClientStore } from '../../storage/clients.ts';
import type { Work } from '../../storage/commit.ts';
import type { Audit } from '../audit.ts';
import { type Client, type Clients, registeredRow, removed, tombstone } from '../clients.ts';
import { type Identifiers, managementDigest } from './identifiers.ts';
import { kindOf } from './kind.ts';

/** `secret` and `management` (the registration access token) are told this once, and are nowhere kept. */
export type Registration = { id: string; secret?: string; management?: string };

/** RFC 7592 §2: one answer for a wrong token, another client's, and a client that was stopped. */
const notManaged = (): Refusal =>
  new Refusal('The registration access token is not good for this client.', {
    reason: 'registration_token',
    status: 401,
    oauth: 'invalid_token',
  });

const stopped = (): Refusal =>
  new Refusal('This client was stopped by the operator of this server.', {
    reason: 'client_disabled',
    status: 403,
    oauth: 'invalid_client_metadata',
    hint: 'Only the operator can let it in again.',
  });

export function registrations({
  store,
  clients,
  identifiers,
  audit,
  clock,
}: {
  store: ClientStore;
  clients: Clients;
  identifiers: Identifiers;
  audit: Audit;
  clock: Clock;
}) {
  function stored(work: Work, row: ClientRow): void {
    // Of two who register the same at once, the second finds it done.
    work.add({ ...store.insert(row), lost: async () => 'go on' });
  }

  /** Everybody's registration: the first generation of it that was not removed. Throws a Refusal when it is disabled. */
  async function shared(work: Work, metadata: Record<string, unknown>): Promise<Registration> {
    for (let generation = 0; ; generation += 1) {
      const issued = identifiers.issue({ metadata, owner: generation });
      const row = await store.find(issued.id);
      if (row && removed(row)) continue;
      if (row && row.disabledAt !== null) throw stopped();
      if (!row && !issued.fits) stored(work, registeredRow(issued, clock()));
      return { id: issued.id };
    }
  }

  function own(work: Work, metadata: Record<string, unknown>): Registration {
    const issued = identifiers.issue({ metadata, owner: { nonce: random(16), at: clock() } });
    if (!issued.fits) stored(work, registeredRow(issued, clock()));
    const { id, secret, management } = issued;
    return { id, secret, management };
  }

  /** The client that `token` manages now; throws a Refusal 401. */
  async function managed(id: string, token: string): Promise<Client> {
    const client = await clients.find(id);
    const digest = client?.managementDigest ?? managementDigest('nobody’s');
    const good = sameSecret(digest, managementDigest(token));
    if (client?.origin !== 'registered' || client.disabled || !client.managementDigest || !good) {
      throw notManaged();
    }
    return client;
  }

  const rowOf = ({ id, name, metadata, ...client }: Client): ClientRow => ({
    id,
    origin: 'registered',
    name,
    metadata,
    secret: client.secretDigest,
    management: client.managementDigest,
    kind: kindOf(metadata),
    createdAt: client.createdAt ?? clock(),
    lastUsedAt: client.lastUsedAt,
    disabledAt: null,
  });

  return {
    /** Whether somebody has let in a client of this kind before. */
    proven: (metadata: Record<string, unknown>): Promise<boolean> => store.kindUsed(kindOf(metadata)),

    /** `metadata` has been found acceptable; `confidential` is a client that is to have a secret. */
    register: async (
      work: Work,
      metadata: Record<string, unknown>,
      { confidential }: { confidential: boolean },
    ): Promise<Registration> => (confidential ? own(work, metadata) : shared(work, metadata)),

    managed,

    /**
     * Replaces what a client registered. It keeps a row from then on, which outranks what its id says.
     * Loses, with 401, against whoever disables or removes it meanwhile.
     */
    update(work: Work, client: Client, metadata: Record<string, unknown>, traceId: string): void {
      const name = typeof metadata['client_name'] === 'string' ? metadata['client_name'] : client.id;
      const changed = { ...client, name, metadata: { ...metadata, client_id: client.id } };
      const row = { ...rowOf(changed), lastUsedAt: clock() };
      work.add({ ...store.update(row), lost: async () => notManaged() });
      audit.record(work, { action: 'client.updated', clientId: client.id, traceId, detail: { name } });
    },

    /** RFC 7592 §2.3: its id, its secret and its tokens are refused from then on. */
    withdraw(work: Work, client: Client, traceId: string): void {
      work.add({ ...store.retire(tombstone(rowOf(client), clock())), lost: async () => notManaged() });
      audit.record(work, { action: 'client.withdrawn', clientId: client.id, traceId });
    },
  };
}

export type Registrations = ReturnType<typeof registrations>;
