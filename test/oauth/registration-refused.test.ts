// What a registration must not contain: each is refused in the words of RFC 7591 §3.2.2, and changes nothing.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Server, startServer } from '../support/server.ts';
import { counts } from '../support/stored.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const honest = {
  client_name: 'A client',
  redirect_uris: ['http://127.0.0.1/cb'],
  token_endpoint_auth_method: 'none',
};

async function refused(metadata: unknown, error: string): Promise<void> {
  const before = counts(server);
  const { status, headers, body } = await server.json('/register', metadata);
  expect([status, body.error]).toEqual([400, error]);
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect(body).toEqual({
    error,
    error_description: expect.stringMatching(/\w/),
    trace_id: expect.any(String),
  });
  expect(counts(server)).toEqual(before);
}

describe('a redirect URI is refused', () => {
  it.each([
    'http://evil.example/cb',
    'http://127.0.0.1.evil.example/cb',
    'http://localhost.evil.example/cb',
    'http://0.0.0.0/cb',
    'http://127.0.0.2/cb',
    'http://2130706433/cb',
    'http://0x7f.1/cb',
    'https://user:pass@c.example/cb',
    'https://user@c.example/cb',
    'http://a@127.0.0.1/cb',
    'https://*.example/cb',
    'https://c.example/*',
    'https://c.example/cb?*',
    'https://c.example/cb#part',
    'https://c.example/cb#',
    'https://c.example/a/../cb',
    'https://c.example/%2e%2e/cb',
    'https://c.example\\@evil.example/cb',
    'https://c.example/c b',
    'https://c.example/cb\n',
    'https://c.example/\u0000',
    'https://ex\u0430mple.com/cb',
    'https://c.example。evil.example/cb',
    'https://c.example./cb',
    'https://169.254.169.254/cb',
    'https://10.0.0.1/cb',
    'https://192.168.1.1/cb',
    'https://[fd00::1]/cb',
    'https://[::ffff:127.0.0.1]/cb',
    'https:///cb',
    'https://',
    'https:c.example/cb',
    '//c.example/cb',
    '/cb',
    'cb',
    '',
    ' ',
    `https://c.example/${'x'.repeat(2100)}`,
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'vbscript:x',
    'about:blank',
    'blob:https://c.example/x',
    'ms-msdt:/x',
    'search-ms:x',
    'ms-settings:x',
    'view-source:https://c.example/',
    'mailto:a@b.example',
    'intent://x#Intent;end',
    'ws://c.example/',
    'ftp://c.example/',
    'chrome-extension://abc/cb',
    'unknown-scheme://cb',
    'x:/cb',
    'urn:ietf:wg:oauth:2.0:oob',
  ])('%j', async (uri) => {
    await refused({ ...honest, redirect_uris: [uri] }, 'invalid_redirect_uri');
  });

  it('also among good ones', async () => {
    const redirect_uris = ['http://127.0.0.1/cb', 'https://c.example/cb', 'http://evil.example/cb'];
    await refused({ ...honest, redirect_uris }, 'invalid_redirect_uri');
  });

  it.each([
    [[]],
    [undefined],
    ['http://127.0.0.1/cb'],
    [{ 0: 'http://127.0.0.1/cb' }],
    [[42]],
    [[null]],
    [[['x']]],
  ])('when it is no list of addresses: %j', async (redirect_uris) => {
    await refused({ ...honest, redirect_uris }, 'invalid_redirect_uri');
  });

  it('when there are too many', async () => {
    const redirect_uris = Array.from({ length: 300 }, (_, n) => `https://c.example/${n}`);
    await refused({ ...honest, redirect_uris }, 'invalid_redirect_uri');
  });

  it.each(['com.example.app:/cb', 'cursor://anysphere.cursor-mcp/oauth/callback', 'http://[::1]:1/cb'])(
    'but not one that apps really have: %s',
    async (uri) => {
      expect((await server.json('/register', { ...honest, redirect_uris: [uri] })).status).toBe(201);
    },
  );
});

describe('metadata is refused', () => {
  it.each<[string, Record<string, unknown>]>([
    ['a name that is no text', { client_name: {} }],
    ['a name that is a list', { client_name: ['x'] }],
    ['only grants that there are not', { grant_types: ['client_credentials'] }],
    ['grants that are no list', { grant_types: 'authorization_code' }],
    ['a response type other than code', { response_types: ['token'] }],
    ['an id_token response type', { response_types: ['id_token'] }],
    ['response types that are no list', { response_types: 'code' }],
    ['an unknown way to authenticate', { token_endpoint_auth_method: 'tls_client_auth' }],
    ['client_secret_jwt', { token_endpoint_auth_method: 'client_secret_jwt' }],
    ['a way to authenticate that is no text', { token_endpoint_auth_method: ['none'] }],
    ['private_key_jwt without keys', { token_endpoint_auth_method: 'private_key_jwt' }],
    ['a private key', withKey({ kty: 'EC', crv: 'P-256', x: 'a', y: 'b', d: 'c' })],
    ['a symmetric key', withKey({ kty: 'oct', k: 'c2VjcmV0' })],
    ['keys that are none', withKey('x')],
    [
      'keys at an http address',
      { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'http://c.example/jwks' },
    ],
    ['a logo with a script address', { logo_uri: 'javascript:alert(1)' }],
    ['a logo inside the network', { logo_uri: 'http://169.254.169.254/x' }],
    ['a page that is data', { client_uri: 'data:text/html,x' }],
    ['a page without a scheme', { tos_uri: '//evil.example' }],
    ['a relative page', { policy_uri: '/privacy' }],
    ['a page that is no text', { client_uri: { href: 'https://c.example' } }],
  ])('%s', async (_what, changes) => {
    await refused({ ...honest, ...changes }, 'invalid_client_metadata');
  });

  it.each<[string, unknown]>([
    ['a list', []],
    ['a text', '"x"'],
    ['null', 'null'],
    ['a number', '1'],
    ['nothing', ''],
    ['no JSON', '{'],
    ['JSON and more', `${JSON.stringify(honest)}x`],
    ['NaN', '{"redirect_uris":NaN}'],
    ['deep nesting', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
  ])('%s', async (_what, body) => {
    await refused(body, 'invalid_client_metadata');
  });
});

function withKey(key: unknown): Record<string, unknown> {
  return { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key] } };
}

describe('a name', () => {
  it.each([
    ['\u202Eelgoog\u0000\nVerified by Google', /^elgoog\s+Verified by Google$/],
    ['zero\u200Bwidth\u2066x\u2069', /^zero width x$/],
    ['  many   spaces\t\r\n', /^many spaces$/],
    ['x'.repeat(40_000), /^x{80}$/],
  ])('%.30j becomes one plain line of at most 80 letters', async (client_name, expected) => {
    const { status, body } = await server.json('/register', { ...honest, client_name });
    expect([status, body.client_name]).toEqual([201, expect.stringMatching(expected)]);
  });

  it.each(['', ' ', '\u200B'])('that is empty, %j, is as good as none', async (client_name) => {
    const { status, body } = await server.json('/register', { ...honest, client_name });
    expect([status, 'client_name' in body]).toEqual([201, false]);
  });
});

describe('a registration that is not sent as JSON', () => {
  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', undefined])(
    '(%s) is refused: a foreign page could send it without asking',
    async (type) => {
      const before = counts(server);
      const response = await fetch(`${server.issuer}/register`, {
        method: 'POST',
        headers: { origin: 'https://evil.example', ...(type && { 'content-type': type }) },
        body: Buffer.from(JSON.stringify(honest)),
      });
      expect([400, 415]).toContain(response.status);
      expect(await response.json()).toMatchObject({
        error: expect.any(String),
        trace_id: expect.any(String),
      });
      expect(counts(server)).toEqual(before);
    },
  );
});
