// Dynamic client registration (RFC 7591), as real clients do it: what they send is taken, what comes back is strict.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorize, authorizeUrl, connect, get } from '../support/flow.ts';
import { type Server, startServer } from '../support/server.ts';
import { counts, stored } from '../support/stored.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

type Registered = Record<string, unknown> & { client_id: string; redirect_uris: string[] };

async function registered(metadata: Record<string, unknown>): Promise<Registered> {
  const { status, headers, body } = await server.json('/register', metadata);
  expect([status, body.error_description]).toEqual([201, undefined]);
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect(headers.get('cache-control')).toBe('no-store');
  return body as Registered;
}

const CODE = ['authorization_code', 'refresh_token'];

/** What they send, read from their sources and from issue threads. */
const CLIENTS: Record<string, Record<string, unknown>> = {
  'claude.ai': {
    client_name: 'Claude',
    redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
    grant_types: CODE,
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_post',
    scope: 'claudeai',
  },
  'Claude Code': {
    client_name: 'Claude Code (library)',
    redirect_uris: ['http://localhost:54545/callback'],
    grant_types: CODE,
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  },
  ChatGPT: {
    client_name: 'ChatGPT',
    redirect_uris: [
      'https://chatgpt.com/connector_platform_oauth_redirect',
      'https://chatgpt.com/connector/oauth/abc123',
    ],
    grant_types: CODE,
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_post',
  },
  Cursor: {
    client_name: 'Cursor',
    redirect_uris: [
      'cursor://anysphere.cursor-mcp/oauth/callback',
      'https://www.cursor.com/agents/mcp/oauth/callback',
      'http://localhost:8787/callback',
    ],
    grant_types: CODE,
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  },
  'VS Code': {
    client_name: 'Visual Studio Code',
    client_uri: 'https://code.visualstudio.com',
    grant_types: [...CODE, 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'],
    redirect_uris: [
      'https://insiders.vscode.dev/redirect',
      'https://vscode.dev/redirect',
      'http://127.0.0.1/',
      'http://127.0.0.1:33418/',
    ],
    scope: 'library:read',
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  },
  'Gemini CLI': {
    client_name: 'Gemini CLI MCP Client',
    redirect_uris: ['http://localhost:7777/oauth/callback'],
    grant_types: CODE,
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    scope: '',
  },
  'LM Studio': { client_name: 'LM Studio', redirect_uris: ['http://127.0.0.1:33389/mcp/callback'] },
  'mcp-remote': {
    client_name: 'MCP CLI Client',
    client_uri: 'https://github.com/modelcontextprotocol/mcp-cli',
    redirect_uris: ['http://localhost:3335/oauth/callback'],
    grant_types: CODE,
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    software_id: '2e6dc280-f3c3-4e01-99a7-8181dbd1d23d',
    software_version: '0.15.1',
    scope: 'openid email profile',
  },
  Inspector: {
    client_name: 'MCP Inspector',
    client_uri: 'https://github.com/modelcontextprotocol/inspector',
    redirect_uris: ['http://localhost:6274/oauth/callback'],
    grant_types: CODE,
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    scope: '',
    logo_uri: '',
    contacts: [],
    tos_uri: null,
  },
  Goose: {
    client_name: 'goose',
    redirect_uris: ['http://localhost:51234/oauth_callback'],
    grant_types: CODE,
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  },
};

describe.each(Object.entries(CLIENTS))('%s', (_name, metadata) => {
  it('registers, and every redirect URI comes back as it was', async () => {
    const body = await registered(metadata);
    expect(body.client_id).toMatch(/^[\w-]{16,}$/);
    expect(body['client_id_issued_at']).toEqual(expect.any(Number));
    expect(body.redirect_uris).toEqual(metadata['redirect_uris']);
    expect(body['client_name']).toBe(metadata['client_name']);
    expect(body['grant_types']).toEqual(CODE);
    expect(body['response_types']).toEqual(['code']);
    const method = metadata['token_endpoint_auth_method'] ?? 'client_secret_basic'; // RFC 7591 §2
    expect(body['token_endpoint_auth_method']).toBe(method);
  });

  it('is told nothing that is null or empty, and a secret only if it uses one', async () => {
    const body = await registered(metadata);
    for (const [name, value] of Object.entries(body)) {
      expect([name, value]).not.toEqual([name, null]);
      expect([name, value]).not.toEqual([name, '']);
    }
    const secret = body['token_endpoint_auth_method'] !== 'none';
    expect('client_secret' in body).toBe(secret);
    // RFC 7591 §3.2.1: "REQUIRED if client_secret is issued … or 0 if it will not expire"
    expect(body['client_secret_expires_at']).toBe(secret ? 0 : undefined);
    // RFC 7592: whoever has a registration of its own may manage it
    expect('registration_access_token' in body).toBe(secret);
    expect(body['registration_client_uri']).toBe(
      secret ? `${server.issuer}/register/${body.client_id}` : undefined,
    );
  });

  it('connects with each of its redirect URIs', async () => {
    const { client_id, redirect_uris } = await registered(metadata);
    for (const redirect_uri of redirect_uris) {
      const response = await get(
        authorizeUrl(server, { client_id, redirect_uri, scope: metadata['scope'] as string }),
      );
      expect([redirect_uri, new URL(response.headers.get('location') ?? '', server.issuer).pathname]).toEqual(
        [redirect_uri, expect.stringMatching(/^\/interaction\//)],
      );
    }
  });
});

it.each(['client_secret_basic', 'client_secret_post', 'none'])(
  'a client of method %s gets tokens',
  async (method) => {
    const { tokens } = await connect(server, { metadata: { token_endpoint_auth_method: method } });
    expect(tokens.access_token).toBeTruthy();
  },
);

it('a secret is kept as a digest only', async () => {
  const { client_secret } = await registered({ ...CLIENTS['claude.ai'], client_name: 'Keeps a secret' });
  expect(String(client_secret).length).toBeGreaterThanOrEqual(32);
  expect(JSON.stringify(stored(server))).not.toContain(client_secret);
  expect(server.log()).not.toContain(client_secret);
});

it('ids and secrets can stand in a Basic header and in a form unescaped, and no two are alike', async () => {
  const made = await Promise.all(Array.from({ length: 20 }, () => registered(CLIENTS['claude.ai'] ?? {})));
  for (const { client_id, client_secret } of made) {
    expect(`${client_id}${client_secret}`).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(client_id).not.toMatch(/^https?:/);
  }
  expect(new Set(made.map(({ client_id }) => client_id)).size).toBe(20);
  expect(new Set(made.map(({ client_secret }) => client_secret)).size).toBe(20);
});

it('nothing that a client may not choose is taken from it', async () => {
  const body = await registered({
    ...CLIENTS['Claude Code'],
    client_id: 'admin',
    client_secret: 'mine',
    client_id_issued_at: 0,
    client_secret_expires_at: 1,
    is_admin: true,
    skip_consent: true,
    trusted: true,
    origin: 'declared',
    'client_name#ja': '<b>x</b>',
    'logo_uri#de': 'javascript:1',
    __proto__: { polluted: true },
    constructor: { prototype: { polluted: true } },
  });
  expect(body.client_id).not.toBe('admin');
  for (const name of [
    'is_admin',
    'skip_consent',
    'trusted',
    'origin',
    'client_secret',
    'logo_uri#de',
    'constructor',
  ]) {
    expect(Object.hasOwn(body, name)).toBe(false);
  }
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

it('unasked-for grants are dropped, and client_credentials is never given', async () => {
  const body = await registered({
    ...CLIENTS['claude.ai'],
    grant_types: [...CODE, 'client_credentials', 'password', 'implicit'],
  });
  expect(body['grant_types']).toEqual(CODE);
  const secret = { id: body.client_id, secret: String(body['client_secret']) };
  const answer = await server.post(
    '/token',
    { grant_type: 'client_credentials', scope: 'library:read' },
    secret,
  );
  expect(answer.status).toBe(400);
  expect(answer.body).not.toHaveProperty('access_token');
});

it('a web page of any origin may register, and read the answer', async () => {
  const preflight = await fetch(`${server.issuer}/register`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('content-type');
  const { headers } = await server.json('/register', CLIENTS['Goose']);
  expect(headers.get('access-control-allow-origin')).toBe('*');
  expect(headers.get('access-control-allow-credentials')).toBeNull();
});

describe('registering the same thing again', () => {
  it('makes one client of those without a secret, and takes no room', async () => {
    const before = counts(server);
    const goose = CLIENTS['Goose'] ?? {};
    const made = await Promise.all(Array.from({ length: 50 }, () => registered(goose)));
    const reordered = Object.fromEntries(Object.entries(goose).reverse());
    made.push(await registered({ ...reordered, scope: 'whatever', unknown: 1 }));
    expect(new Set(made.map(({ client_id }) => client_id)).size).toBe(1);
    expect(counts(server)).toEqual(before);
    const other = await registered({ ...goose, redirect_uris: ['http://localhost:51235/oauth_callback'] });
    expect(other.client_id).not.toBe(made[0]?.client_id);
  });

  it('makes another client of one with a secret, who could be impersonated otherwise', async () => {
    const before = counts(server);
    const [one, two] = [
      await registered(CLIENTS['ChatGPT'] ?? {}),
      await registered(CLIENTS['ChatGPT'] ?? {}),
    ];
    expect(one.client_id).not.toBe(two.client_id);
    expect(one['client_secret']).not.toBe(two['client_secret']);
    expect(counts(server)).toEqual(before);
    const { redeemWith } = await authorize(server, {
      client: one as never,
      params: { redirect_uri: one.redirect_uris[0] },
    });
    const stolen = { client_id: one.client_id, client_secret: String(two['client_secret']) };
    expect((await redeemWith(stolen)).body.error).toBe('invalid_client');
    expect((await redeemWith()).status).toBe(200);
  });

  it('also when it is too long to be said in an id', async () => {
    const long = {
      ...CLIENTS['Goose'],
      redirect_uris: Array.from(
        { length: 20 },
        () => `https://c.example/${randomBytes(200).toString('hex')}`,
      ),
    };
    const [one, two] = [await registered(long), await registered(long)];
    expect(one.client_id).toBe(two.client_id);
    expect(one.client_id.length).toBeLessThan(100);
    const url = authorizeUrl(server, { client_id: one.client_id, redirect_uri: one.redirect_uris[19] });
    expect((await get(url)).status).toBe(303);
  });
});
