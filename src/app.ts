// Builds every room, in order, by hand, and closes them in reverse. The only file that sees everything.

import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from './clock.ts';
import { isLoopback } from './config/loopback.ts';
import type { Config, SigningAlgorithm } from './config.ts';
import { random, type SealingKey, sealingKey } from './crypto.ts';
import { accounts } from './domain/accounts.ts';
import { audit } from './domain/audit.ts';
import { clientDocuments } from './domain/clients/documents.ts';
import { clients } from './domain/clients.ts';
import { grants } from './domain/grants.ts';
import { derived, keys } from './domain/keys.ts';
import { resources } from './domain/resources.ts';
import { httpServer } from './http/server.ts';
import type { Log } from './log.ts';
import { createMetrics } from './metrics.ts';
import { oauthHost } from './oauth/host.ts';
import { type Outbound, outbound } from './outbound.ts';
import { unavailable } from './storage/faults.ts';
import { openStorage } from './storage/open.ts';

const FOLLOW_EVERY = 1_000;
const SWEEP_EVERY = 60_000;

/** The configured key, or the one kept in the data directory, made on the first run. */
function keyEncryptionKey(config: Config): SealingKey {
  if (config.key) return sealingKey(config.key.reveal());
  const file = join(config.data, 'cardea.key');
  mkdirSync(config.data, { recursive: true, mode: 0o700 });
  try {
    // `wx`: of two processes starting at once, one makes the key and the other reads it
    const handle = openSync(file, 'wx', 0o600);
    writeFileSync(handle, `${random()}\n`);
    closeSync(handle);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return sealingKey(readFileSync(file, 'utf8'));
}

/** Storage and domain, for the server and for every command. The caller closes. */
export async function openRooms(config: Config, log: Log) {
  const clock = systemClock;
  const { database } = config;
  const storage = await openStorage(
    database.kind === 'sqlite' ? database : { kind: 'postgres', url: database.url.reveal() },
    (error) => log.warn({ err: error }, 'a database connection broke'),
  );
  const record = audit({ store: storage.audit, clock });
  const registry = resources({ store: storage.resources, grants: storage.grants, audit: record, clock });
  await registry.refresh();
  return {
    config,
    log,
    clock,
    storage,
    audit: record,
    keys: keys({ store: storage.keys, audit: record, clock, sealing: keyEncryptionKey(config) }),
    accounts: accounts({ store: storage.accounts, audit: record, clock }),
    clients: clients({ store: storage.clients, audit: record, clock }),
    resources: registry,
    grants: grants({
      store: storage.grants,
      families: storage.families,
      audit: record,
      clock,
      lifetime: config.lifetimes.grant,
    }),
    work: storage.work,
    close: (): Promise<void> => storage.close(),
  };
}

export type Rooms = Awaited<ReturnType<typeof openRooms>>;

/** What the configuration declares, and the keys that it needs, are in the database after this. */
async function prepare(rooms: Rooms): Promise<void> {
  const { config, work: begin, resources, clients, keys } = rooms;
  const work = begin();
  await resources.declare(work, config.resources);
  await clients.declare(work, config.clients);
  await work.commit();
  await resources.refresh();
  const algorithms = new Set<SigningAlgorithm>(['ES256', ...resources.all().map((each) => each.algorithm)]);
  await keys.ensure(work, algorithms);
  await work.commit();
}

/** Does `task` again and again, `pause` ms apart, until stopped; a failure is logged and tried again. */
function repeatedly(task: () => Promise<unknown>, pause: number, log: Log): () => void {
  let timer: NodeJS.Timeout;
  const again = (): void => {
    timer = setTimeout(async () => {
      await task().catch((error: unknown) => log.warn({ err: error }, 'a background task failed'));
      again();
    }, pause).unref();
  };
  again();
  return () => clearTimeout(timer);
}

/**
 * The whole server, listening. `firstAdministratorLink` while there is no administrator.
 * A test may bring its own door out, with a resolver and certificates of its own.
 */
export async function startApp(config: Config, log: Log, given: { outbound?: Outbound } = {}) {
  const rooms = await openRooms(config, log);
  try {
    const root = await rooms.keys.root(rooms.work());
    await prepare(rooms);
    const door = given.outbound ?? outbound({ allowLoopback: isLoopback(new URL(config.issuer).hostname) });
    const metrics = createMetrics();
    const http = httpServer({ rooms, config, log, metrics, explain: unavailable });
    const oauth = await oauthHost({
      ...rooms,
      config,
      artifacts: rooms.storage.artifacts,
      documents: clientDocuments({ store: rooms.storage.clients, outbound: door, clock: rooms.clock }),
      derived: derived(root),
      outbound: door,
      metrics,
      renderError: http.renderError,
      showLeave: http.showLeave,
      onError: http.reportBug,
    });
    const invitation = await invite(rooms);
    const close = await http.listen(oauth);
    const stop = [
      repeatedly(oauth.reload, FOLLOW_EVERY, log),
      repeatedly(() => sweep(rooms), SWEEP_EVERY, log),
    ];
    return {
      issuer: config.issuer,
      rooms,
      ...(invitation ? { firstAdministratorLink: `${config.issuer}/setup/${invitation}` } : {}),
      async close(): Promise<void> {
        for (const each of stop) each();
        await close();
        await rooms.close();
      },
    };
  } catch (error) {
    await rooms.close();
    throw error;
  }
}

async function invite(rooms: Rooms): Promise<string | undefined> {
  const work = rooms.work();
  const token = await rooms.accounts.inviteFirstAdministrator(work);
  await work.commit();
  return token;
}

async function sweep({ storage, clock, config, keys, resources, work: begin }: Rooms): Promise<void> {
  while ((await storage.sweep.expired(clock(), clock() - config.lifetimes.audit * 1000)) > 0);
  const longest = Math.max(config.lifetimes.accessToken, ...resources.all().map((each) => each.lifetime));
  const work = begin();
  // twice the longest life of a token: a clock that is a little off must not lose the key that signed it
  await keys.forgetRetired(work, clock() - 2 * longest * 1000);
  await work.commit();
}
