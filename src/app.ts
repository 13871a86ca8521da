// Builds every room, in order, by hand, and closes them in reverse. The only file that sees everything.

import { systemClock } from './clock.ts';
import { isLoopback } from './config/loopback.ts';
import type { Config, SigningAlgorithm } from './config.ts';
import { keyRing } from './crypto/key-source.ts';
import { identities } from './domain/accounts/identities.ts';
import { accounts } from './domain/accounts.ts';
import { audit } from './domain/audit.ts';
import { clientDocuments } from './domain/clients/documents.ts';
import { identifiers } from './domain/clients/identifiers.ts';
import { registrations } from './domain/clients/registrations.ts';
import { clients } from './domain/clients.ts';
import { grants } from './domain/grants.ts';
import { derived, keys } from './domain/keys.ts';
import { policy } from './domain/policy.ts';
import { resources } from './domain/resources.ts';
import { upstreamTransactions } from './domain/upstream/transactions.ts';
import { upstreams } from './domain/upstream.ts';
import { connectLinks } from './domain/vault/links.ts';
import { memberships } from './domain/vault/memberships.ts';
import { vault } from './domain/vault.ts';
import { Refusal } from './errors.ts';
import { httpServer } from './http/server.ts';
import type { Log } from './log.ts';
import { createMetrics } from './metrics.ts';
import { oauthHost } from './oauth/host.ts';
import { type Outbound, outbound } from './outbound.ts';
import { unavailable } from './storage/faults.ts';
import type { move } from './storage/move.ts';
import { openStorage } from './storage/open.ts';
import type { restore } from './storage/restore.ts';

// How old what a process keeps in memory (keys, resources) may be, in ms, even where nothing tells it of a change.
const FOLLOW_EVERY = 1_000;
const SWEEP_EVERY = 60_000;
// What has run out by this clock may be good by that of another process, or be what tells it of a replay.
const CLOCKS_APART = 60_000;
// How often it is looked whose groups have to be asked for again.
const REGROUP_EVERY = 30_000;
// How soon an upstream is told that a connection has ended, in ms.
const SETTLE_EVERY = 2_000;
// No token may live longer than a day, whatever the configuration says now or said when it was signed; and an hour
// for clocks that are a little off.
const RETIRED_FOR = 25 * 3_600_000;

/** What is done to a database that nobody serves, before any room is opened on it. */
export const offline = {
  restore: async (...given: Parameters<typeof restore>) =>
    (await import('./storage/restore.ts')).restore(...given),
  move: async (...given: Parameters<typeof move>) => (await import('./storage/move.ts')).move(...given),
};

// An upstream is one host that everybody signs in at; strangers cannot choose it, so it may be asked more at once.
const UPSTREAM_LIMITS = { perHost: 64, perAddress: 64, overall: 256 };

/**
 * Storage and domain, for the server and for every command. The caller closes. A test may bring its own door out.
 * `onAway` hears of every try to reach a database that is not there yet; without it there is one try.
 */
export async function openRooms(
  config: Config,
  log: Log,
  given: { outbound?: Outbound; onAway?: (error: unknown, pause: number) => void } = {},
) {
  const clock = systemClock;
  const { database } = config;
  const ring = await keyRing(config);
  const storage = await openStorage(
    database.kind === 'sqlite' ? database : { kind: 'postgres', url: database.url.reveal() },
    (error) => log.warn({ err: error }, 'a database connection broke'),
    given.onAway,
  );
  const record = audit({ store: storage.audit, clock });
  const registry = resources({
    store: storage.resources,
    grants: storage.grants,
    audit: record,
    clock,
    work: storage.work,
  });
  await registry.refresh();
  const allowLoopback = isLoopback(new URL(config.issuer).hostname);
  const upstreamRegistry = upstreams({
    store: storage.upstreams,
    ring,
    audit: record,
    clock,
    outbound: given.outbound ?? outbound({ allowLoopback, limits: UPSTREAM_LIMITS }),
  });
  await upstreamRegistry.refresh();
  const known = { store: storage.clients, identifiers: identifiers(ring), audit: record, clock };
  const applications = clients(known);
  const kept = vault({
    store: storage.upstreamConnections,
    audit: record,
    clock,
    ring,
    connector: (name) => upstreamRegistry.find(name)?.connector,
    work: storage.work,
  });
  const rules = policy({
    rules: config.policy.ceilings,
    localPasswords: config.policy.localPasswords,
    upstreams: () => upstreamRegistry.all().map(({ declaration }) => declaration),
    identities: storage.identities,
    accounts: storage.accounts,
  });
  return {
    config,
    log,
    clock,
    storage,
    audit: record,
    keys: keys({
      store: storage.keys,
      audit: record,
      clock,
      ring,
      rotation: config.rotation,
      work: storage.work,
    }),
    accounts: accounts({ store: storage.accounts, audit: record, clock }),
    identities: identities({
      store: storage.identities,
      accounts: storage.accounts,
      audit: record,
      clock,
      work: storage.work,
    }),
    policy: rules,
    trips: upstreamTransactions({ store: storage.upstreamTransactions, clock, work: storage.work }),
    clients: applications,
    registrations: registrations({ ...known, clients: applications }),
    resources: registry,
    upstreams: upstreamRegistry,
    vault: kept,
    memberships: memberships({
      store: storage.identities,
      vault: kept,
      audit: record,
      clock,
      work: storage.work,
      deciding: rules.groupsDecideAt,
    }),
    connectLinks: connectLinks({ store: storage.connectLinks, clock }),
    grants: grants({
      store: storage.grants,
      families: storage.families,
      audit: record,
      clock,
      vault: kept,
      lifetime: config.lifetimes.grant,
    }),
    work: storage.work,
    close: (): Promise<void> => storage.close(),
  };
}

export type Rooms = Awaited<ReturnType<typeof openRooms>>;

/** What the configuration declares, and the keys that it needs, are in the database after this. */
async function prepare(rooms: Rooms): Promise<void> {
  const { config, work: begin, resources, clients, keys, upstreams } = rooms;
  const work = begin();
  await resources.declare(work, config.resources);
  await clients.declare(work, config.clients);
  await upstreams.declare(work, config.upstreams);
  await work.commit();
  await resources.refresh();
  await upstreams.refresh();
  await keys.ensure(algorithms(rooms));
}

const algorithms = ({ resources }: Rooms): Set<SigningAlgorithm> =>
  new Set<SigningAlgorithm>(['ES256', ...resources.all().map((each) => each.algorithm)]);

/**
 * Does `task` again and again, `pause` ms apart, until stopped; a failure is logged and tried again.
 * `soon` does not wait for the pause. It never runs twice at once.
 */
function repeatedly(task: () => Promise<unknown>, pause: number, log: Log) {
  let timer: NodeJS.Timeout | undefined;
  let [running, asked, stopped] = [false, false, false];
  async function run(): Promise<void> {
    clearTimeout(timer);
    asked = true;
    if (running) return;
    running = true;
    while (asked && !stopped) {
      asked = false;
      await task().catch((error: unknown) => log.warn({ err: error }, 'a background task failed'));
    }
    running = false;
    if (!stopped) timer = setTimeout(run, pause).unref();
  }
  timer = setTimeout(run, pause).unref();
  return {
    soon: (): void => void run(),
    stop(): void {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/**
 * The whole server, listening. `firstAdministratorLink` while there is no administrator.
 * A test may bring its own door out, with a resolver and certificates of its own.
 */
export async function startApp(config: Config, log: Log, given: { outbound?: Outbound } = {}) {
  // Who starts everything at once (a compose file, a rebooted machine) need not know the order.
  const onAway = (error: unknown, pause: number): void =>
    log.warn({ err: error }, `the database is not there yet; the next try is in ${pause / 1000} s`);
  const rooms = await openRooms(config, log, { ...given, onAway });
  try {
    const root = await rooms.keys.root();
    await prepare(rooms);
    const door = given.outbound ?? outbound({ allowLoopback: isLoopback(new URL(config.issuer).hostname) });
    const metrics = createMetrics();
    const http = httpServer({ rooms, config, log, metrics, explain: unavailable });
    const oauth = await oauthHost({
      ...rooms,
      config,
      artifacts: rooms.storage.artifacts,
      documents: clientDocuments({
        store: rooms.storage.clients,
        outbound: door,
        clock: rooms.clock,
        hosts: config.registration.documentHosts,
      }),
      derived: derived(root),
      outbound: door,
      metrics,
      renderError: http.renderError,
      showLeave: http.showLeave,
      registrationLimit: http.registrationLimit,
      // The engine calls whatever it does not know a server error (500); a database that is away is not one.
      onError: (error, ctx) =>
        unavailable(error) instanceof Refusal
          ? void http.renderError(ctx, { error: 'server_error' }, error)
          : http.reportBug(error, ctx),
    });
    const invitation = await invite(rooms);
    const close = await http.listen(oauth);
    const follow = async (): Promise<void> => {
      await oauth.reload();
      await rooms.upstreams.refresh();
    };
    const following = repeatedly(follow, FOLLOW_EVERY, log);
    const sweeping = repeatedly(() => sweep(rooms), SWEEP_EVERY, log);
    const settling = repeatedly(() => rooms.vault.settle(), SETTLE_EVERY, log);
    const regrouping = repeatedly(() => rooms.memberships.renew(), REGROUP_EVERY, log);
    const stopListening = rooms.storage.listen(following.soon);
    return {
      issuer: config.issuer,
      rooms,
      ...(invitation ? { firstAdministratorLink: `${config.issuer}/setup/${invitation}` } : {}),
      async close(): Promise<void> {
        following.stop();
        sweeping.stop();
        settling.stop();
        regrouping.stop();
        await stopListening();
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

async function sweep({ storage, clock, config, keys, vault }: Rooms): Promise<void> {
  const now = clock();
  await vault.sweep();
  const { audit, unusedClient } = config.lifetimes;
  const over = now - CLOCKS_APART;
  while ((await storage.sweep.expired(over, now - audit * 1000, now - unusedClient * 1000)) > 0);
  await keys.rotate('schedule');
  await keys.forgetRetired(clock() - RETIRED_FOR);
}
