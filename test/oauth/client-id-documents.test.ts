// Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document, MCP 2026-07-28): a client is the address
// at which it describes itself. Fetched with care, believed as far as its host goes, and kept when the host is down.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientKey, clientKey } from '../support/assertion.ts';
import { documentHost, testDoor } from '../support/documents.ts';
import { authorize, authorizeUrl, browse, connect, get, introspect } from '../support/flow.ts';
import { later } from '../support/later.ts';
import type { Person } from '../support/person.ts';
import { textOf } from '../support/person-form.ts';
import { type Server, startServer } from '../support/server.ts';
import { stored } from '../support/stored.ts';

let host: Awaited<ReturnType<typeof documentHost>>;
let server: Server;
let alex: Person;
beforeAll(async () => {
  host = await documentHost();
  server = await startServer({ outbound: testDoor() });
  alex = await server.signedIn();
});
afterAll(() => Promise.all([server.close(), host.close()]));

let count = 0;
const fresh = () => `/client-${++count}.json`;
const SIGNS = { token_endpoint_auth_method: 'private_key_jwt' };
const signing = ({ jwk }: ClientKey) => ({ ...SIGNS, jwks: { keys: [jwk] } });
const LOCAL = 'http://localhost:49152/callback';

const start = (client_id: string, redirect_uri = LOCAL) =>
  browse(authorizeUrl(server, { client_id, redirect_uri }));

async function accepted(response: Response): Promise<void> {
  expect([response.status, response.status === 303 ? '' : await response.text()]).toEqual([303, '']);
  expect(response.headers.get('location')).toMatch(/\/interaction\//);
}

async function refused(response: Response): Promise<void> {
  expect(response.headers.get('location')).toBeNull();
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(response.status).toBeLessThan(500);
  expect(response.headers.get('content-type')).toMatch(/^text\/html/);
}

describe('a published client', () => {
  it('connects, refreshes and is introspected under its address', async () => {
    const client_id = host.publish(fresh());
    const { tokens, refresh } = await connect(server, {
      by: alex,
      client: { client_id },
      params: { redirect_uri: LOCAL },
    });
    expect((await introspect(server, tokens.access_token)).client_id).toBe(client_id);
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });

  it.each<[string, Record<string, unknown>]>([
    ['Claude Code', { client_name: 'Claude Code', response_types: ['code'] }],
    ['opencode, without a method', { token_endpoint_auth_method: undefined }],
    [
      'VS Code',
      {
        application_type: 'native',
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      },
    ],
    ['one with scopes of its own', { scope: 'library:read whatever' }],
    [
      'ChatGPT, which would rather sign',
      {
        token_endpoint_auth_method: 'none',
        token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
      },
    ],
    ['one with members nobody knows', { 'x-something': { deep: [1] }, logo_uri: '' }],
  ])('is taken as it is: %s', async (_name, changes) => {
    await accepted(await start(host.publish(fresh(), changes)));
  });

  // CIMD §4.1, MCP: the name is a claim, the host is not. THREATS C22
  it.each([undefined, '', '   ', '\u200b'])(
    'without a name, %j, is called by its host',
    async (client_name) => {
      const headings: string[] = [];
      await authorize(server, {
        by: alex,
        client: { client_id: host.publish(fresh(), { client_name }) },
        params: { redirect_uri: `${host.origin}/cb` },
        inspect: (html, kind) =>
          void (kind === 'consent' && headings.push(textOf(/<h1.*?<\/h1>/s.exec(html)?.[0] ?? ''))),
      });
      expect(headings).toEqual([expect.stringContaining(new URL(host.origin).host)]);
    },
  );

  it('is fetched once for many requests', async () => {
    const client_id = host.publish(fresh());
    host.asked();
    await Promise.all(Array.from({ length: 5 }, () => start(client_id)));
    await start(client_id);
    expect(host.asked()).toHaveLength(1);
  });

  it('is fetched anew once its document is old, and what it says then holds', async () => {
    const path = fresh();
    const client_id = host.publish(path, {}, { 'cache-control': 'max-age=300' });
    await accepted(await start(client_id));
    host.publish(path, { redirect_uris: [`${host.origin}/other`] });
    await accepted(await start(client_id));
    later(301_000);
    await refused(await start(client_id));
    await accepted(await start(client_id, `${host.origin}/other`));
  });

  it('keeps its connections while its host is down, and nobody can connect anew meanwhile', async () => {
    const path = fresh();
    const client_id = host.publish(path);
    const connected = await connect(server, {
      by: alex,
      client: { client_id },
      params: { redirect_uri: LOCAL },
    });
    host.set(path, { status: 503, body: 'down' });
    later(2 * 24 * 3600_000);
    const { status, body } = await connected.refresh(connected.tokens.refresh_token);
    expect(status).toBe(200);
    expect((await introspect(server, body.access_token)).active).toBe(true);
    await refused(await start(client_id));
  });
});

describe('a person is asked', () => {
  const asked = async (client_id: string, redirect_uri: string): Promise<boolean> => {
    let pages = 0;
    await authorize(server, {
      by: alex,
      client: { client_id },
      params: { redirect_uri },
      inspect: (_html, kind) => {
        if (kind === 'consent') pages += 1;
      },
    });
    return pages > 0;
  };

  it('once, where the code goes back to the host that publishes the document', async () => {
    const client_id = host.publish(fresh());
    expect(await asked(client_id, `${host.origin}/cb`)).toBe(true);
    expect(await asked(client_id, `${host.origin}/cb`)).toBe(false);
  });

  // draft-ietf-oauth-client-id-metadata-document §6.2; THREATS C23
  it.each<[string, () => Promise<Record<string, unknown>>]>([
    ['other keys', async () => signing(await clientKey())],
    ['keys at an address', async () => ({ ...SIGNS, jwks_uri: `${host.origin}/keys` })],
    ['no proof any more', async () => ({})],
  ])('anew, when the document says something else of what proves the client: %s', async (_what, changes) => {
    const path = fresh();
    const old = { 'cache-control': 'max-age=60' };
    const client_id = host.publish(path, signing(await clientKey()), old);
    expect(await asked(client_id, `${host.origin}/cb`)).toBe(true);
    expect(await asked(client_id, `${host.origin}/cb`)).toBe(false);
    host.publish(path, await changes(), old);
    later(61_000);
    expect(await asked(client_id, `${host.origin}/cb`)).toBe(true);
    expect(await asked(client_id, `${host.origin}/cb`)).toBe(false);
  });

  it('nothing anew, when it says otherwise only what nothing rests on', async () => {
    const path = fresh();
    const client_id = host.publish(path, {}, { 'cache-control': 'max-age=60' });
    expect(await asked(client_id, `${host.origin}/cb`)).toBe(true);
    host.publish(path, { policy_uri: 'https://app.example/policy', software_version: '2' });
    later(61_000);
    expect(await asked(client_id, `${host.origin}/cb`)).toBe(false);
  });

  it('every time, where it goes to this computer', async () => {
    const client_id = host.publish(fresh());
    expect(await asked(client_id, LOCAL)).toBe(true);
    expect(await asked(client_id, LOCAL)).toBe(true);
  });

  it('every time, where it goes to another host', async () => {
    const client_id = host.publish(fresh(), { redirect_uris: ['https://elsewhere.example/cb'] });
    expect(await asked(client_id, 'https://elsewhere.example/cb')).toBe(true);
    expect(await asked(client_id, 'https://elsewhere.example/cb')).toBe(true);
  });
});

describe('a document is refused', () => {
  it.each<[string, Record<string, unknown>]>([
    ['that is of another address', { client_id: 'https://app.example/other.json' }],
    ['without an id', { client_id: undefined }],
    ['with a secret', { client_secret: 's' }],
    ['with the end of a secret', { client_secret_expires_at: 0 }],
    ['with a secret method', { token_endpoint_auth_method: 'client_secret_post' }],
    ['with only secret methods', { token_endpoint_auth_methods_supported: ['client_secret_basic'] }],
    ['without redirect URIs', { redirect_uris: undefined }],
    ['with none in the list', { redirect_uris: [] }],
    ['with an http redirect URI of the world', { redirect_uris: [LOCAL, 'http://evil.example/cb'] }],
    ['with a script as redirect URI', { redirect_uris: [LOCAL, 'javascript:alert(1)'] }],
    [
      'with fifty redirect URIs',
      { redirect_uris: Array.from({ length: 50 }, (_, n) => `https://app.example/${n}`) },
    ],
    [
      'with a private key',
      { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ kty: 'oct', k: 'AA' }] } },
    ],
    ['with a name that is no text', { client_name: {} }],
    ['with a logo that is no https address', { logo_uri: 'http://169.254.169.254/x' }],
    ['of a client without the code grant', { grant_types: ['client_credentials'] }],
  ])('%s', async (_what, changes) => {
    await refused(await start(host.publish(fresh(), changes)));
  });

  const body = (path: string) => ({
    client_id: host.origin + path,
    client_name: 'x',
    redirect_uris: [LOCAL],
  });
  it.each<[string, (path: string) => Parameters<typeof host.set>[1]]>([
    [
      'behind a redirect',
      (path) => ({ status: 302, headers: { location: `${host.origin}/cb` }, body: body(path) }),
    ],
    ['that is not found', (path) => ({ status: 404, body: body(path) })],
    ['with 206', (path) => ({ status: 206, body: body(path) })],
    ['served as HTML', (path) => ({ headers: { 'content-type': 'text/html' }, body: body(path) })],
    ['served as text', (path) => ({ headers: { 'content-type': 'text/plain' }, body: body(path) })],
    ['that is too long', (path) => ({ body: { ...body(path), pad: 'x'.repeat(20_000) } })],
    ['that is compressed', (path) => ({ headers: { 'content-encoding': 'gzip' }, body: body(path) })],
    ['that is a list', () => ({ body: [] })],
    ['that is null', () => ({ body: 'null' })],
    ['with something after it', (path) => ({ body: `${JSON.stringify(body(path))}}` })],
    ['that is not UTF-8', () => ({ body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]) })],
  ])('%s', async (_what, reply) => {
    const path = fresh();
    host.set(path, reply(path));
    await refused(await start(host.origin + path));
  });

  it('and is asked for once by the request that fails, and again by the next: failure is not remembered', async () => {
    const path = fresh();
    host.set(path, { status: 500, body: 'no' });
    host.asked();
    await refused(await start(host.origin + path));
    expect(host.asked()).toEqual([path]);
    await accepted(await start(host.publish(path)));
  });

  it('on a page that says what was wrong, and not that the app was removed', async () => {
    const path = fresh();
    host.set(path, { status: 500, body: 'the inside of the network' });
    const page = textOf(await (await start(host.origin + path)).text());
    expect(page).toContain('This app cannot be recognised');
    expect(page).toContain(host.origin + path);
    expect(page).toContain('client_document');
    expect(page).not.toMatch(/inside|add it again/);
  });

  it('in JSON for a client that asks for JSON, without a word of what the host answered', async () => {
    const path = fresh();
    host.set(path, { body: 'the inside of the network' });
    const response = await get(authorizeUrl(server, { client_id: host.origin + path }), {
      accept: 'application/json',
    });
    const answer = (await response.json()) as Record<string, unknown>;
    expect(answer).toMatchObject({ error: 'invalid_client', trace_id: expect.any(String) });
    expect(JSON.stringify(answer)).not.toContain('inside');
  });
});

describe('an address is not even looked at', () => {
  it.each([
    (origin: string) => origin,
    (origin: string) => `${origin}/`,
    (origin: string) => `${origin}/client.json#x`,
    (origin: string) => `${origin}/a/../client.json`,
    (origin: string) => `${origin}/a/%2e%2e/client.json`,
    (origin: string) => `${origin}/./client.json`,
    (origin: string) => `${origin.replace('https://', 'https://user:pass@')}/client.json`,
    (origin: string) => `${origin.replace('https://', 'https://@')}/client.json`,
    (origin: string) => `${origin.replace('https:', 'http:')}/client.json`,
    (origin: string) => `${origin.replace('https:', 'HTTPS:')}/client.json`,
    (origin: string) => `${origin}/client .json`,
    (origin: string) => `${origin}\\client.json`,
    (origin: string) => `${origin}/cli\u00e9nt.json`,
    (origin: string) => `${origin}/${'x'.repeat(2100)}`,
  ])('%#', async (make) => {
    const before = host.connections();
    await refused(await start(make(host.origin)));
    expect(host.connections()).toBe(before);
  });
});

it('other spellings of an address are other clients', async () => {
  const path = fresh();
  host.publish(path);
  for (const id of [
    `${host.origin.replace('app', 'APP')}${path}`,
    `${host.origin}${path}/`,
    `${host.origin}${path}?`,
  ]) {
    await refused(await start(id));
  }
});

it('an address that is not public is never connected to', async () => {
  const strict = await startServer({ outbound: testDoor({ permit: () => false }) });
  try {
    const path = fresh();
    const client_id = host.publish(path);
    const before = host.connections();
    const response = await get(authorizeUrl(strict, { client_id, redirect_uri: LOCAL }));
    expect(response.status).toBe(400);
    const { body } = await strict.post('/token', {
      grant_type: 'refresh_token',
      refresh_token: 'x',
      client_id,
    });
    expect(body.error).toBe('invalid_client');
    expect((await strict.post('/revoke', { token: 'x', client_id })).status).toBeLessThan(500);
    expect(host.connections()).toBe(before);
  } finally {
    await strict.close();
  }
});

it('a document that was refused is not kept', async () => {
  const kept = stored(server)['client_documents'] ?? [];
  for (const { document } of kept) expect(JSON.parse(String(document))).toHaveProperty('redirect_uris');
});

it('where documents are off, an address is an unknown client', async () => {
  const closed = await startServer({
    outbound: testDoor(),
    config: { registration: { client_id_documents: false } },
  });
  try {
    host.asked();
    const response = await get(
      authorizeUrl(closed, { client_id: host.publish(fresh()), redirect_uri: LOCAL }),
    );
    expect(response.status).toBe(400);
    expect(host.asked()).toEqual([]);
  } finally {
    await closed.close();
  }
});

it('where an operator names the hosts, no other is asked', async () => {
  const client_id = host.publish(fresh());
  const begin = (of: Server) => get(authorizeUrl(of, { client_id, redirect_uri: LOCAL }));
  for (const [registration, status] of [
    [{ document_hosts: ['app.example'] }, 303],
    [{ document_hosts: ['*.app.example', 'claude.ai'] }, 400],
    [{ document_hosts_denied: ['app.example'] }, 400],
  ] as const) {
    const picky = await startServer({ outbound: testDoor(), config: { registration } });
    try {
      host.asked();
      expect((await begin(picky)).status).toBe(status);
      expect(host.asked()).toHaveLength(status === 303 ? 1 : 0);
    } finally {
      await picky.close();
    }
  }
});
