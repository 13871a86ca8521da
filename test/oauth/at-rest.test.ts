// What is written down: whoever reads the database or the log has nothing that opens a door. THREATS N01, N04, N06, N08.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Company, startCompany } from '../../examples/company/provider.ts';
import { ASSERTION_TYPE } from '../support/assertion.ts';
import { type Beside, beside } from '../support/beside.ts';
import { freePort } from '../support/cardea.ts';
import { LOG_OF_POSTGRES } from '../support/databases.ts';
import { documentHost, testDoor } from '../support/documents.ts';
import { ACCESS_TOKEN, COMPANY_SECRET, TOKEN_EXCHANGE, vaultConfig } from '../support/exchange.ts';
import { CALLBACK, introspect, register } from '../support/flow.ts';
import type { Person } from '../support/person.ts';
import { OTHER_SERVER, SERVER, type Server, startServer } from '../support/server.ts';
import { type Stored, stored } from '../support/stored.ts';
import { type Canaries, forms, watch } from './at-rest/canaries.ts';
import { STORES } from './at-rest/failures.ts';
import { lives } from './at-rest/lives.ts';
import { CLIENTS, DEVICE_GRANT, ROBOT, TV } from './at-rest/programs.ts';

let server: Server;
let host: Awaited<ReturnType<typeof documentHost>>;
let company: Company;
let client: { client_id: string; client_secret?: string };
let canaries: Canaries;
let secrets: Map<string, string>;
let rows: Stored;

/** From now on, for every connection: the server is made to open new ones. */
const TALKATIVE = `DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET log_min_duration_statement = 0', current_database());
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
END $$`;

/** PostgreSQL alone: the other has nobody who could be asked. */
async function withDatabase(task: (eyes: Beside) => Promise<unknown>): Promise<void> {
  const { database } = server.rooms.config;
  if (database.kind !== 'postgres') return;
  const eyes = await beside(database.url.reveal());
  await task(eyes).finally(eyes.close);
}

beforeAll(async () => {
  canaries = watch();
  secrets = canaries.secrets;
  host = await documentHost();
  const port = await freePort();
  const redirectUris = [`http://127.0.0.1:${port}/upstream/company/callback`];
  const known = { id: 'cardea-at-acme', secret: COMPANY_SECRET, redirectUris };
  company = await startCompany({ clients: [known], accessToken: 20 });
  canaries.keep('secret of an upstream', COMPANY_SECRET);
  server = await startServer({
    config: { ...vaultConfig(company.issuer), clients: CLIENTS },
    outbound: canaries.watched(testDoor({ allowLoopback: true })),
    env: { CARDEA_LOG_LEVEL: 'trace', CARDEA_PORT: String(port) },
  });
  await withDatabase((eyes) => eyes.all(TALKATIVE));
  canaries.keep('password', server.password);
  canaries.keep('first administrator', server.firstAdministratorLink?.split('/').at(-1));
  client = await register(server, { token_endpoint_auth_method: 'client_secret_basic' });
  const alex = server.alex();
  for (const [name, live] of Object.entries(lives)) {
    await live({ server, alex, host, keep: canaries.keep }).catch((error: Error) => {
      throw new Error(`${name}: ${error.message}`, { cause: error });
    });
  }
  canaries.stop();
  rows = stored(server);
}, 60_000);
afterAll(async () => {
  await server?.close();
  await host?.close();
  await company?.close();
});

it('there is something to look for', () => {
  const seen = [...secrets.keys()].join('\n');
  for (const name of [
    ...['client_secret', 'access_token', 'refresh_token', 'code_verifier', 'code', 'request_uri', 'csrf'],
    ...['cookie cardea_session', 'cookie cardea_interaction', 'password', 'Basic', 'first administrator'],
    ...[
      'DPoP proof',
      'DPoP nonce',
      'client_assertion',
      'device_code',
      'user_code',
      'registration_access_token',
    ],
    ...[
      'upstream /token answer access_token',
      'upstream /token answer refresh_token',
      'upstream /token code',
    ],
    ...['upstream /token code_verifier', 'upstream state', 'upstream nonce', 'cookie cardea_upstream_'],
    ...['/connect/… key', 'link', 'upstream /token Basic', 'from the command line'],
  ])
    expect(seen).toContain(name);
  for (const table of [
    ...['accounts', 'clients', 'artifacts', 'grants', 'families', 'audit', 'signing_keys', 'connect_links'],
    ...['upstreams', 'upstream_connections', 'upstream_transactions', 'identities', 'resources'],
  ]) {
    expect([table, rows[table]?.length]).not.toEqual([table, 0]);
  }
});

/** Where `value` stands in the database, plain or encoded. */
const foundIn = (value: string): string[] =>
  Object.entries(rows).flatMap(([table, all]) =>
    all.flatMap((row) =>
      Object.entries(row)
        .filter(([, cell]) => {
          const text = Buffer.isBuffer(cell) ? cell.toString('latin1') : JSON.stringify(cell) + String(cell);
          return forms(value).some((form) => text.includes(form));
        })
        .map(([column]) => `${table}.${column}`),
    ),
  );

it('no secret is in any column of any table', () => {
  for (const [name, value] of secrets) expect([name, foundIn(value)]).toEqual([name, []]);
});

it('no secret is in the bytes of the files, where what was deleted still is', () => {
  const { database } = server.rooms.config;
  if (database.kind !== 'sqlite') return;
  for (const file of [database.file, `${database.file}-wal`]) {
    const bytes = readFileSync(file, 'latin1');
    for (const [name, value] of secrets) {
      expect([file, name, forms(value).filter((form) => bytes.includes(form))]).toEqual([file, name, []]);
    }
  }
});

it('no secret is in the log, at its most talkative', () => {
  const log = server.log();
  for (const store of STORES) expect(log.includes(`Failed query: ${store}.`), store).toBe(true);
  for (const [name, value] of [...secrets, ...canaries.passing])
    expect([name, forms(value).filter((form) => log.includes(form))]).toEqual([name, []]);
});

it('nobody is in the log by name or by address, at an upstream or here', () => {
  const log = server.log();
  const people = [...(rows['accounts'] ?? []), ...(rows['identities'] ?? [])];
  const names = people.flatMap((row) =>
    ['name', 'username', 'email', 'subject'].map((column) => row[column]),
  );
  const known = [...new Set(names.filter((name) => typeof name === 'string' && name.length > 2))];
  expect(known).toContain('alex');
  expect(known.length).toBeGreaterThan(4);
  for (const name of known)
    expect([name, log.split('\n').filter((line) => line.includes(String(name)))]).toEqual([name, []]);
  expect(log).not.toMatch(/"(ip|remoteAddress|from)":/);
});

it('no secret is in the log of a PostgreSQL that writes down every statement and its parameters', async () => {
  await withDatabase(async (eyes) => {
    const [row] = await eyes.all(`SELECT ${LOG_OF_POSTGRES} AS log`);
    const log = String(row?.['log']);
    for (const table of ['artifacts', 'upstream_connections', 'connect_links', 'accounts', 'clients']) {
      const written = new RegExp(String.raw`execute .*insert into "${table}".*\n.*parameters: \$1 =`, 'i');
      expect(written.test(log), table).toBe(true);
    }
    for (const [name, value] of secrets)
      expect([name, forms(value).filter((form) => log.includes(form))]).toEqual([name, []]);
  });
});

it('no private key is stored as it is', () => {
  for (const cell of Object.values(rows).flatMap((all) => all.flatMap((row) => Object.values(row)))) {
    const text = Buffer.isBuffer(cell) ? cell.toString('latin1') : String(cell);
    expect(text).not.toMatch(/BEGIN [A-Z ]*PRIVATE KEY|"d":\s*"/);
  }
});

it('a password is kept as argon2id', () => {
  const kept = (rows['accounts'] ?? []).map(({ password }) => password).filter((each) => each !== null);
  expect(kept.length).toBeGreaterThan(2); // who signs in elsewhere has none
  for (const each of kept) expect(each).toMatch(/^\$argon2id\$/);
});

describe('what is stored opens nothing', () => {
  /** Every text of the database that could be taken for a token, with those inside JSON. */
  const stolen = (): string[] => {
    const all = JSON.stringify(rows, (_name, value) =>
      value?.type === 'Buffer' ? Buffer.from(value.data).toString('base64url') : value,
    );
    return [...new Set(all.match(/[A-Za-z0-9_-]{16,}/g) ?? [])];
  };
  let signedIn: Person;
  beforeAll(async () => {
    signedIn = await server.signedIn();
  });
  const as = () => ({ id: client.client_id, secret: client.client_secret ?? '' });
  const page = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
    (await fetch(server.issuer + path, { headers, redirect: 'manual' })).status;

  const roles: Record<string, (value: string) => Promise<unknown>> = {
    'a code': async (code) => {
      const fields = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: code };
      expect((await server.post('/token', fields, as())).status).toBe(400);
    },
    'a refresh token': async (refresh_token) => {
      const answer = await server.post('/token', { grant_type: 'refresh_token', refresh_token }, as());
      expect(answer.status).toBe(400);
    },
    'an access token': async (token) => {
      expect(await introspect(server, token)).toEqual({ active: false });
      expect(await introspect(server, token, OTHER_SERVER)).toEqual({ active: false });
    },
    'a secret of an MCP server': async (secret) => {
      expect((await server.post('/introspect', { token: 'x' }, { id: SERVER.id, secret })).status).toBe(401);
    },
    'a secret of a client': async (secret) => {
      const { status } = await server.post('/revoke', { token: 'x' }, { id: client.client_id, secret });
      expect(status).toBe(401);
    },
    'a session': async (value) => {
      const cookie = `cardea_session=${value}; cardea_session.sig=${value}`;
      expect(await page('/connections', { cookie })).toBe(303);
    },
    'an interaction': async (value) => {
      const cookie = ['interaction', 'resume']
        .flatMap((name) => [`cardea_${name}=${value}`, `cardea_${name}.sig=${value}`])
        .join('; ');
      expect(await page(`/interaction/${value}`, { cookie })).toBeGreaterThanOrEqual(400);
      expect(await page(`/authorize/${value}`, { cookie })).toBeGreaterThanOrEqual(400);
    },
    'a link for the first administrator': async (value) => {
      expect(await page(`/setup/${value}`)).toBeGreaterThanOrEqual(400);
    },
    'a device code': async (device_code) => {
      const fields = { grant_type: DEVICE_GRANT, device_code, client_id: TV };
      expect((await server.post('/token', fields)).status).toBe(400);
    },
    'a client assertion': async (client_assertion) => {
      const fields = { token: 'x', client_assertion, client_assertion_type: ASSERTION_TYPE };
      // what is no JWT at all is no credential
      expect([400, 401]).toContain((await server.post('/revoke', fields)).status);
    },
    'a token to exchange': async (subject_token) => {
      const fields = { grant_type: TOKEN_EXCHANGE, subject_token, subject_token_type: ACCESS_TOKEN };
      expect((await server.post('/token', { ...fields, audience: 'company' }, SERVER)).status).toBe(400);
    },
    'a registration access token': async (token) => {
      const headers = { authorization: `Bearer ${token}` };
      expect(await page(`/register/${client.client_id}`, headers)).toBe(401);
    },
    'a secret of a program': async (secret) => {
      const fields = { grant_type: 'client_credentials' };
      expect((await server.post('/token', fields, { ...ROBOT, secret })).status).toBe(401);
    },
    'a link to connect by': async (value) => {
      expect((await signedIn.visit(`${server.issuer}/connect/${value}`)).status).toBeGreaterThanOrEqual(400);
    },
    'an answer of an upstream': async (value) => {
      const cookie = `cardea_upstream_${value.slice(0, 16)}=${value}`;
      const iss = encodeURIComponent(company.issuer);
      const path = `/upstream/company/callback?code=${value}&state=${value}&iss=${iss}`;
      expect(await page(path, { cookie })).toBeGreaterThanOrEqual(400);
    },
    'a pushed request': async (value) => {
      for (const name of [value, `urn:ietf:params:oauth:request_uri:${value}`]) {
        const asked = new URLSearchParams({ client_id: client.client_id, request_uri: name });
        const path = `/authorize?${asked}`;
        const { headers } = await fetch(server.issuer + path, { redirect: 'manual' });
        // a page that says so, or an error for the client; never the way to a person
        const location = headers.get('location');
        expect(location === null || new URL(location).searchParams.has('error')).toBe(true);
      }
    },
  };

  it('as a code that a device shows', async () => {
    // letters like those, wherever they stand: what somebody who typed would try first
    const found = JSON.stringify(rows).match(
      /(?<![A-Za-z0-9_-])[BCDFGHJ-NP-TV-XZ]{4}-?[BCDFGHJ-NP-TV-XZ]{4}(?![\w-])/g,
    );
    expect(found).toBeNull();
  });

  it.each(Object.keys(roles))('as %s', async (role) => {
    const values = stolen();
    expect(values.length).toBeGreaterThan(100);
    const left = [...values];
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let value = left.pop(); value !== undefined; value = left.pop()) {
          const tried = value;
          await roles[role]?.(tried).catch((error: Error) => {
            throw new Error(`${tried} is good as ${role}: ${error.message}`, { cause: error });
          });
        }
      }),
    );
  });
});
