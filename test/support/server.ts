// A whole Cardea in this process: real storage, real HTTP, a clock that tests can move (support/later.ts).
// For tests of the protocol; a test of the process itself uses support/cardea.ts.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { createLog } from '../../src/log.ts';
import type { Outbound } from '../../src/outbound.ts';
import { freePort } from './cardea.ts';
import { ownDatabase } from './own-database.ts';
import { person } from './person.ts';

/** What every test may assume: two servers, each with scopes that read and that change things. */
export const RESOURCE = 'http://127.0.0.1:4100/mcp';
export const OTHER_RESOURCE = 'https://other.example/mcp';
export const SERVER = { id: 'library-server', secret: 'a-secret-of-the-library-server-0001' };
export const OTHER_SERVER = { id: 'other-server', secret: 'a-secret-of-the-other-server-00002' };

const read = {
  name: 'library:read',
  description: 'Look at the catalogue',
  default: true,
  tools: [
    { name: 'search_books', description: 'Search the catalogue', effect: 'read' },
    { name: 'list_loans', description: 'See who has borrowed what', effect: 'read' },
  ],
};
const write = {
  name: 'library:write',
  description: 'Change the catalogue',
  default: false,
  tools: [
    { name: 'add_book', description: 'Add a book', effect: 'write' },
    { name: 'remove_book', description: 'Remove a book for good', effect: 'destroy' },
  ],
};

export const basicConfig = {
  resources: [
    { uri: RESOURCE, name: 'Town Library', server: SERVER, scopes: [read, write] },
    {
      uri: OTHER_RESOURCE,
      name: 'Other',
      server: OTHER_SERVER,
      token: { format: 'opaque' },
      scopes: [{ name: 'other:use', description: 'Use it', default: true, tools: [] }],
    },
  ],
  limits: { sign_ins: 0, registrations: 0, authorizations: 0 },
};

export type Server = Awaited<ReturnType<typeof startServer>>;

/**
 * On SQLite in a directory of its own; on a database of its own of the PostgreSQL at CARDEA_TEST_POSTGRES, where set.
 * `config` is merged over `basicConfig`, member by member. The account `alex` exists, and `alex()` is the person.
 */
export async function startServer({
  config = {},
  env = {},
  outbound,
}: {
  config?: Record<string, unknown>;
  env?: Record<string, string>;
  /** The door out, for tests with metadata documents on hosts of their own. */
  outbound?: Outbound;
} = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'cardea-server-'));
  const lines: string[] = [];
  const shared = process.env['CARDEA_TEST_POSTGRES'];
  const own = shared !== undefined && !env['DATABASE_URL'] ? await ownDatabase(shared) : undefined;
  const settings = readConfig({
    env: {
      CARDEA_PORT: String(await freePort()),
      CARDEA_DATA: directory,
      CARDEA_CONFIG: 'test.yaml',
      CARDEA_LOG_LEVEL: 'debug',
      ...(own && { DATABASE_URL: own.url }),
      ...env,
    },
    files: () => stringify({ ...basicConfig, ...config }),
  });
  const log = createLog({ ...settings.log, write: (line) => void lines.push(line) });
  const app = await startApp(settings, log, outbound ? { outbound } : {});
  const { issuer, rooms } = app;
  const password = 'correct horse battery';
  const work = rooms.work();
  const existing = await rooms.accounts.named('alex').catch(() => undefined); // on data of a server before this one
  const account = existing ?? (await rooms.accounts.add(work, { username: 'alex', password }));
  await work.commit();
  const alex = () => person({ username: 'alex', password });

  return {
    issuer,
    rooms,
    account,
    password,
    firstAdministratorLink: app.firstAdministratorLink,
    /** Every log line so far. */
    log: () => lines.join(''),
    /** A person with a browser of their own, who is not signed in yet. */
    alex,
    /** The same, signed in. */
    async signedIn() {
      const by = alex();
      await by.signIn(issuer);
      return by;
    },
    /** POSTs a form; `basic` is `id:secret`. */
    async post(
      path: string,
      fields: Record<string, string> | URLSearchParams,
      basic?: { id: string; secret: string },
    ) {
      const response = await fetch(`${issuer}${path}`, {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams(fields),
        headers: basic
          ? { authorization: `Basic ${Buffer.from(`${basic.id}:${basic.secret}`).toString('base64')}` }
          : {},
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text ? JSON.parse(text) : undefined,
      };
    },
    async json(path: string, body: unknown) {
      const response = await fetch(`${issuer}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text ? JSON.parse(text) : undefined,
      };
    },
    async close(): Promise<void> {
      await app.close();
      await own?.drop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
