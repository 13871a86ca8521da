// No request may read a whole table: every statement that a request runs is shown to the planner of each database.

import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Write } from '../../src/storage/commit.ts';
import type { IdentityRow } from '../../src/storage/identities.ts';
import type { Storage } from '../../src/storage/open.ts';
import { textsOf } from '../support/asked.ts';
import { databases, type TestDatabase } from '../support/databases.ts';
import { connect, introspect } from '../support/flow.ts';
import { type Server, startServer } from '../support/server.ts';
import { stored } from '../support/stored.ts';
import { artifact } from './rows.ts';

/** Few rows by their nature, and read whole because they are kept in memory. */
const REGISTRIES = ['resources', 'signing_keys', 'upstreams'];

/** What no request here reads; a table that is new is not among them. */
const UNREAD = [...REGISTRIES, 'client_documents', 'secrets'];

afterEach(() => vi.restoreAllMocks());

/** Every statement that is run from now on, by its text; the drivers say so themselves. */
function listen(): Set<string> {
  const ran = new Set<string>();
  const statement = Object.getPrototypeOf(new Sqlite(':memory:').prepare('SELECT 1')) as Sqlite.Statement;
  for (const verb of ['run', 'all', 'get'] as const) {
    const original = statement[verb] as (...args: unknown[]) => unknown;
    vi.spyOn(statement, verb).mockImplementation(function (this: Sqlite.Statement, ...args: unknown[]) {
      ran.add(this.source);
      return original.apply(this, args) as never;
    });
  }
  const query = pg.Client.prototype.query as (...args: unknown[]) => unknown;
  vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    for (const sql of textsOf(args[0])) ran.add(sql);
    return query.apply(this, args) as never;
  });
  return ran;
}

/** Who somebody is at an upstream: an account is several people there. */
const identity = (n: number): IdentityRow => ({
  ...{ issuer: `issuer-${n % 3}`, subject: `subject-${n}`, accountId: `account-${n % 700}`, upstream: 'u' },
  ...{ name: null, username: null, email: null, domain: null, groups: [], groupsIncomplete: false },
  ...{ groupsAt: n, createdAt: n, lastUsedAt: n },
});

/** A trip to an upstream, what came of it, another that ended long ago, and a link by which somebody is sent there. */
function vaultRows(storage: Storage, n: number): Write[] {
  const [accountId, upstream] = [`account-${n % 700}`, `upstream-${n}`];
  const connection = {
    ...{
      accountId,
      upstream,
      kind: 'oauth',
      issuer: 'i',
      subject: `s-${n}`,
      name: 'N',
      scopes: [],
      version: 1,
    },
    ...{ expiresAt: 4e12, refreshingUntil: null, attempts: 0, retryAt: null, createdAt: n, updatedAt: n },
    ...{ lastUsedAt: n, sealed: Buffer.from('sealed') },
  };
  const over = { endedAt: 4e12 + n, endedBy: 'person' };
  return [
    storage.upstreamTransactions.insert({
      ...{ state: `state-${n}`, upstream, purpose: 'connect', browser: `b-${n}`, body: '{}', accountId },
      ...{ expiresAt: 4e12 + n },
    }),
    storage.connectLinks.insert({
      ...{ digest: `link-${n}`, accountId, grantId: `grant-${n}`, upstream, createdAt: n },
      ...{ expiresAt: 4e12 + n, consumedAt: null },
    }),
    storage.upstreamConnections.insert({ ...connection, id: `live-${n}`, endedAt: null, endedBy: null }),
    storage.upstreamConnections.insert({ ...connection, id: `told-${n}`, sealed: null, ...over }),
    storage.upstreamConnections.insert({ ...connection, id: `untold-${n}`, retryAt: 4e12 + n, ...over }),
  ];
}

/** What coming back from an upstream runs, what becomes of who came, and what a credential's delivery does; no upstream is asked. */
async function everythingOfTheVault({ storage, work }: Server['rooms']): Promise<void> {
  const { upstreamTransactions: trips, connectLinks, upstreamConnections: vault } = storage;
  const pending = work();
  await trips.find('state-1');
  await connectLinks.find('link-1');
  const row = await vault.find('live-1');
  if (!row) throw new Error('it is not there');
  await vault.live(row.accountId, row.upstream);
  await vault.ofAccount(row.accountId, ['person']);
  await vault.toRevoke(2, 50);
  const writes = [
    ...[trips.consume('state-1', 2), trips.signedIn('state-2', 'account-2'), trips.finish('state-2', 2)],
    ...[connectLinks.consume('link-1', 2), vault.claim(row.id, 1, 2, 3), vault.renew(row)],
    ...[vault.use({ id: row.id, grantId: 'grant-1', familyId: 'family-1', now: 2 })],
    ...[vault.end('live-2', 'x', 'y', 2), vault.forget('untold-1', 1), vault.endUnused('account-3', 'x', 2)],
  ];
  const who = identity(1);
  const { identities } = storage;
  await identities.find(who.issuer, who.subject);
  await identities.ofAccount(who.accountId);
  const left = { upstreams: ['u'], passwords: true };
  writes.push(identities.seen(who), ...identities.removeUnlessLast(who, left));
  writes.push(identities.remove(who.issuer, who.subject, who.accountId));
  // what they find is of no interest, but how
  for (const write of writes) pending.add({ ...write, lost: async () => 'go on' });
  await pending.commit();
}

/** Enough of everything that reading all of it would be the wrong plan. */
async function fill(storage: Storage): Promise<void> {
  const id = (kind: string, n: number) => `${kind}-${n}`;
  const ended = { endedAt: null, endedBy: null };
  for (let from = 0; from < 3_000; from += 500) {
    const work = storage.work();
    for (let n = from; n < from + 500; n += 1) {
      const [accountId, clientId] = [id('account', n % 700), id('client', n)];
      const times = { createdAt: n, updatedAt: n, expiresAt: 4e12 + n };
      const writes: Write[] = [
        storage.artifacts.insert(artifact({ uid: id('uid', n), familyId: id('family', n) })),
        storage.clients.insert({
          ...{
            id: clientId,
            origin: 'registered',
            name: 'C',
            metadata: {},
            secret: null,
            management: null,
            kind: id('kind', n),
          },
          ...{ createdAt: n, lastUsedAt: n, disabledAt: null },
        }),
        storage.grants.insert({
          ...{ id: id('grant', n), accountId, clientId, clientName: 'C', clientIdentity: 'i' },
          ...{
            resource: 'https://r.example/',
            scopes: [],
            tools: {},
            upstreams: [],
            version: 1,
            ...times,
            ...ended,
          },
        }),
        storage.families.insert({
          ...{ id: id('family', n), accountId, clientId, createdAt: n },
          ...{ lastUsedAt: n, accessUntil: n, ...ended },
        }),
        storage.families.link(id('family', n), id('grant', n)),
        storage.families.revokeToken(id('jti', n), 4e12 + n),
        storage.accounts.invite({
          digest: id('invitation', n),
          purpose: `to ${n}`,
          createdAt: n,
          expiresAt: 4e12 + n,
        }),
        ...vaultRows(storage, n),
        storage.identities.insert(identity(n)),
        storage.audit.append({
          ...{
            at: 4e12 + n,
            action: 'a',
            outcome: 'done',
            reason: null,
            accountId,
            clientId,
          },
          ...{ resource: null, grantId: null, familyId: null, traceId: id('trace', n), detail: null },
        }),
      ];
      if (n < 700) {
        const row = { id: accountId, username: accountId, name: 'A', password: null };
        writes.push(
          storage.accounts.insert({ ...row, administrator: false, createdAt: n, disabledAt: null }),
        );
      }
      work.add(...writes);
    }
    await work.commit();
  }
}

/** One of each request that reads or writes. */
async function everyRequest(server: Server): Promise<void> {
  const alex = server.alex();
  const first = await connect(server, { by: alex });
  const again = await connect(server, { by: alex, client: first.client });
  await introspect(server, first.tokens.access_token);
  const { body } = await first.refresh(first.tokens.refresh_token);
  await first.refresh(first.tokens.refresh_token); // inside the grace window
  const { client_id } = first.client;
  await server.post('/revoke', { token: body.access_token, client_id });
  await introspect(server, body.access_token);
  await server.post('/revoke', { token: again.tokens.refresh_token, client_id });
  const page = await alex.visit(`${server.issuer}/connections`);
  await alex.send(page, ({ action }) => String(action).endsWith('/connections/end'));
  await first.refresh(body.refresh_token);
  await fetch(server.firstAdministratorLink ?? '');
  await fetch(`${server.issuer}/ready`);
  await server.rooms.audit.byTrace('trace-7');
  await server.rooms.accounts.inviteFirstAdministrator(server.rooms.work());
  await everythingOfTheVault(server.rooms);
  // and what is done once a minute beside them
  await server.rooms.storage.sweep.expired(2, 2, 2);
}

type Scan = { sql: string; scans: string };

/** By uid alone: a browser's session and all the codes that came of it, which may be thousands. */
const OF_A_BROWSER = /^SEARCH (\w+) USING .*INDEX artifacts_uid \(uid=\?\)/;

async function sqliteScans(file: string, ran: Iterable<string>): Promise<Scan[]> {
  const db = new Sqlite(file, { readonly: true });
  db.exec('PRAGMA query_only = ON');
  const found: Scan[] = [];
  for (const sql of ran) {
    if (!/^\s*(select|update|delete)/i.test(sql) || !/\bfrom\b|^\s*update/i.test(sql)) continue;
    const params = Array.from({ length: (sql.match(/\?/g) ?? []).length }, () => null);
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...params) as { detail: string }[];
    const scans = plan
      .map(({ detail }) => (/^SCAN (\w+)/.exec(detail) ?? OF_A_BROWSER.exec(detail))?.[1])
      .filter((name) => name !== undefined);
    for (const name of scans) if (!REGISTRIES.includes(name)) found.push({ sql, scans: name });
  }
  db.close();
  return found;
}

/** A join with a value that is bound as it is: SQLite plans it anew for every value (statement.ts). */
const plannedEachTime = (ran: Iterable<string>): string[] =>
  [...ran].filter((sql) => /\bjoin\b/i.test(sql) && /\?/.test(sql.replaceAll('cast(? as text)', '')));

type Node = { 'Node Type': string; 'Relation Name'?: string; 'Index Cond'?: string; Plans?: Node[] };
const nodes = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodes)];

async function postgresScans(url: string, ran: Iterable<string>): Promise<Scan[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('ANALYZE');
  await client.query('SET enable_seqscan = off');
  const found: Scan[] = [];
  for (const sql of ran) {
    if (!/^\s*(select|update|delete|with)/i.test(sql) || !/\bfrom\b|^\s*update/i.test(sql)) continue;
    const { rows } = await client.query(`EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${sql}`);
    for (const node of nodes(rows[0]['QUERY PLAN'][0].Plan)) {
      const name = node['Relation Name'];
      const whole =
        node['Node Type'] === 'Seq Scan' || (/^Index/.test(node['Node Type']) && !node['Index Cond']);
      if (name && whole && !REGISTRIES.includes(name)) found.push({ sql, scans: name });
    }
  }
  await client.end();
  return found;
}

describe.each(databases)('on %s', (name, make) => {
  it('every statement that a request runs has its index', async () => {
    const database: TestDatabase = await make();
    const server = await startServer({ env: { DATABASE_URL: database.url } });
    try {
      await fill(server.rooms.storage);
      const there = Object.keys(stored(server)).filter(
        (each) => !UNREAD.includes(each) && !/^sqlite_/.test(each),
      );
      const ran = listen();
      await everyRequest(server);
      // a list that is too short proves nothing
      expect([...ran].filter((sql) => /grants/.test(sql)).length).toBeGreaterThan(4);
      for (const table of there)
        expect(
          [...ran].some((sql) => new RegExp(`(from|join|update) .?${table}`, 'i').test(sql)),
          table,
        ).toBe(true);
      if (name === 'SQLite') expect(plannedEachTime(ran)).toEqual([]);
      const scans =
        name === 'SQLite'
          ? await sqliteScans(database.url.slice('sqlite:'.length), ran)
          : await postgresScans(database.url, ran);
      expect(scans).toEqual([]);
    } finally {
      await server.close();
      await database.remove();
    }
  }, 120_000);
});
