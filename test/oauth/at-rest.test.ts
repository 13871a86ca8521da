// What is written down: whoever reads the database or the log has nothing that opens a door.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorizeUrl, connect, introspect, register } from '../support/flow.ts';
import type { Person } from '../support/person.ts';
import { OTHER_RESOURCE, OTHER_SERVER, SERVER, type Server, startServer } from '../support/server.ts';
import { type Stored, stored } from '../support/stored.ts';

let server: Server;
let alex: Person;
let client: { client_id: string; client_secret?: string };
/** By name: everything secret that came out of the server or went into it. */
const secrets = new Map<string, string>();
let rows: Stored;

/** A whole life: invitation, registration, sign-in, code, tokens of both kinds, refreshes, reuse, revocation. */
beforeAll(async () => {
  server = await startServer();
  alex = server.alex();
  const keep = (name: string, value: string | undefined) => value && secrets.set(name, value);
  client = await register(server, { token_endpoint_auth_method: 'client_secret_basic' });
  keep('client secret', client.client_secret);
  keep('password', server.password);
  keep('secret of the MCP server', SERVER.secret);
  keep('first administrator', server.firstAdministratorLink?.split('/').at(-1));
  const metadata = await connect(server, { by: alex, client });
  const opaque = await connect(server, {
    by: alex,
    client,
    params: { resource: OTHER_RESOURCE, scope: 'other:use' },
  });
  for (const [name, each] of Object.entries({ jwt: metadata, opaque })) {
    keep(`code of ${name}`, each.code);
    keep(`verifier of ${name}`, each.verifier);
    keep(`access token of ${name}`, each.tokens.access_token);
    keep(`refresh token of ${name}`, each.tokens.refresh_token);
    const { body } = await each.refresh(each.tokens.refresh_token);
    keep(`second access token of ${name}`, body.access_token);
    keep(`second refresh token of ${name}`, body.refresh_token);
  }
  await introspect(server, opaque.tokens.access_token, OTHER_SERVER);
  await metadata.refresh('a refresh token that is none');
  await metadata.redeemWith();
  // one that is still going on, with its cookies
  const { url } = await alex.visit(authorizeUrl(server, { client_id: client.client_id }));
  const uid = url.pathname.split('/').at(-1);
  for (const path of ['/', url.pathname, `/authorize/${uid}`]) {
    for (const pair of alex.cookies.header(new URL(path, server.issuer))?.split('; ') ?? []) {
      const [name = '', value = ''] = pair.split('=');
      if (value.length >= 16) keep(`cookie ${name}`, value);
    }
  }
  rows = stored(server);
});
afterAll(() => server.close());

it('there is something to look for', () => {
  expect([...secrets.keys()]).toEqual(
    expect.arrayContaining([
      'client secret',
      'code of jwt',
      'refresh token of opaque',
      'cookie cardea_session',
      'cookie cardea_interaction',
    ]),
  );
  for (const table of ['accounts', 'clients', 'artifacts', 'grants', 'families', 'audit', 'signing_keys']) {
    expect([table, rows[table]?.length]).not.toEqual([table, 0]);
  }
});

/** Where `value` stands in the database, plain or encoded. */
function foundIn(value: string): string[] {
  const forms = [
    value,
    Buffer.from(value).toString('base64url'),
    Buffer.from(value).toString('hex'),
    encodeURIComponent(value),
  ];
  return Object.entries(rows).flatMap(([table, all]) =>
    all.flatMap((row) =>
      Object.entries(row)
        .filter(([, cell]) => {
          const text = Buffer.isBuffer(cell) ? cell.toString('latin1') : String(cell);
          return forms.some((form) => text.includes(form));
        })
        .map(([column]) => `${table}.${column}`),
    ),
  );
}

it('no secret is in any column of any table', () => {
  for (const [name, value] of secrets) expect([name, foundIn(value)]).toEqual([name, []]);
});

it('no secret is in the log', () => {
  const log = server.log();
  for (const [name, value] of secrets) expect([name, log.includes(value)]).toEqual([name, false]);
});

it('no private key is stored as it is', () => {
  for (const cell of Object.values(rows).flatMap((all) => all.flatMap((row) => Object.values(row)))) {
    const text = Buffer.isBuffer(cell) ? cell.toString('latin1') : String(cell);
    expect(text).not.toMatch(/BEGIN [A-Z ]*PRIVATE KEY|"d":\s*"/);
  }
});

it('a password is kept as argon2id', () => {
  for (const { password } of rows['accounts'] ?? []) expect(String(password)).toMatch(/^\$argon2id\$/);
});

describe('what is stored opens nothing', () => {
  /** Every text of the database that could be taken for a token, with those inside JSON. */
  const stolen = () => {
    const all = JSON.stringify(rows);
    return [...new Set(all.match(/[A-Za-z0-9_-]{16,}/g) ?? [])];
  };

  it('as an access token at introspection', async () => {
    for (const token of stolen()) {
      expect([token, await introspect(server, token)]).toEqual([token, { active: false }]);
      expect([token, await introspect(server, token, OTHER_SERVER)]).toEqual([token, { active: false }]);
    }
  });

  it('as a code or a refresh token of its client', async () => {
    const as = { id: client.client_id, secret: client.client_secret ?? '' };
    for (const token of stolen()) {
      const refreshed = await server.post(
        '/token',
        { grant_type: 'refresh_token', refresh_token: token },
        as,
      );
      expect([token, refreshed.status]).toEqual([token, 400]);
    }
  });

  it('as a secret of the client or of the server', async () => {
    for (const secret of stolen()) {
      const asServer = await server.post('/introspect', { token: 'x' }, { id: SERVER.id, secret });
      expect([secret, asServer.status]).toEqual([secret, 401]);
      const asClient = await server.post('/revoke', { token: 'x' }, { id: client.client_id, secret });
      expect([secret, asClient.status]).toEqual([secret, 401]);
    }
  });

  it('as a session', async () => {
    for (const value of stolen()) {
      const headers = { cookie: `cardea_session=${value}; cardea_session.sig=${value}` };
      const page = await fetch(`${server.issuer}/connections`, { headers, redirect: 'manual' });
      expect([value, page.status]).toEqual([value, 303]);
    }
  });
});
