// Storage: opens the configured database and hands out its stores.
// It owns SQL, migrations and transactions; what a row means is for the domain to say. Called by app.ts and the tests.

import { accountStore } from './accounts.ts';
import { artifactStore } from './artifacts.ts';
import { auditStore } from './audit.ts';
import { clientStore } from './clients.ts';
import { work } from './commit.ts';
import { connectLinkStore } from './connect-links.ts';
import { familyStore } from './families.ts';
import { unavailable } from './faults.ts';
import { grantStore } from './grants.ts';
import { identityStore } from './identities.ts';
import { keyStore } from './keys.ts';
import { countingClients } from './recent.ts';
import { resourceStore } from './resources.ts';
import type { Room } from './room.ts';
import { openSqlite } from './sqlite.ts';
import { whenThere } from './starting.ts';
import { sweepStore } from './sweep.ts';
import { upstreamConnectionStore } from './upstream-connections.ts';
import { upstreamTransactionStore } from './upstream-transactions.ts';
import { upstreamStore } from './upstreams.ts';

export type DatabaseLocation = { kind: 'sqlite'; file: string } | { kind: 'postgres'; url: string };

/**
 * Opens and migrates; the caller closes. `onError` hears of broken idle connections (PostgreSQL only).
 * With `onAway`, a database that is not there yet is waited for, and it hears of every try (pause in ms);
 * without it that is a Refusal 503.
 */
export async function openStorage(
  location: DatabaseLocation,
  onError: (error: Error) => void = () => {},
  onAway?: (error: unknown, pause: number) => void,
) {
  const database =
    location.kind === 'sqlite'
      ? openSqlite(location.file)
      : (await import('./postgres.ts')).openPostgres(location.url, onError);
  try {
    await (onAway ? whenThere(database.migrate, onAway) : database.migrate());
  } catch (error) {
    await database.close();
    throw unavailable(error);
  }
  const { commit, touched } = countingClients(database.commit);
  const room: Room = { ...database, touched };
  return {
    dialect: database.dialect,
    accounts: accountStore(room),
    artifacts: artifactStore(room),
    audit: auditStore(room),
    clients: clientStore(room),
    connectLinks: connectLinkStore(room),
    families: familyStore(room),
    grants: grantStore(room),
    identities: identityStore(room),
    keys: keyStore(room),
    resources: resourceStore(room),
    sweep: sweepStore(room),
    upstreamTransactions: upstreamTransactionStore(room),
    upstreams: upstreamStore(room),
    upstreamConnections: upstreamConnectionStore(room),
    /** The pending writes of one request or command. */
    work: () => work(commit),
    /** Calls back when another process changed what this one keeps in memory; returns how to stop. */
    listen: database.listen,
    /** Copies the database to a file that does not exist yet. Throws a Refusal on PostgreSQL. */
    backup: database.backup,
    ping: database.ping,
    close: database.close,
  };
}

export type Storage = Awaited<ReturnType<typeof openStorage>>;
