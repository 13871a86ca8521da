// Authorization server metadata (RFC 8414, and OpenID Connect Discovery for clients that ask there): what clients
// find, where they look for it, and that nothing in it depends on who asks.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/cardea.ts';
import { type Server, startServer } from '../support/server.ts';

let server: Server;
let tenant: Server;
beforeAll(async () => {
  server = await startServer();
  const port = String(await freePort());
  tenant = await startServer({ env: { CARDEA_PORT: port, CARDEA_ISSUER: `http://127.0.0.1:${port}/t/one` } });
});
afterAll(() => Promise.all([server.close(), tenant.close()]));

const PLACES = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'];
const at = (path: string, init?: RequestInit) =>
  fetch(new URL(path, server.issuer), { redirect: 'manual', ...init });

async function metadata(of: Server = server): Promise<Record<string, unknown>> {
  const { origin, pathname } = new URL(of.issuer);
  const response = await fetch(
    `${origin}/.well-known/oauth-authorization-server${pathname === '/' ? '' : pathname}`,
  );
  return response.json() as Promise<Record<string, unknown>>;
}

describe('the document', () => {
  it('says what a client of MCP must find', async () => {
    const found = await metadata();
    expect(found).toMatchObject({
      issuer: server.issuer,
      authorization_endpoint: `${server.issuer}/authorize`,
      token_endpoint: `${server.issuer}/token`,
      registration_endpoint: `${server.issuer}/register`,
      introspection_endpoint: `${server.issuer}/introspect`,
      revocation_endpoint: `${server.issuer}/revoke`,
      jwks_uri: `${server.issuer}/jwks`,
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: true,
      subject_types_supported: expect.any(Array),
      id_token_signing_alg_values_supported: expect.any(Array),
    });
    expect(found['grant_types_supported']).toEqual(
      expect.arrayContaining(['authorization_code', 'refresh_token']),
    );
    expect(found['token_endpoint_auth_methods_supported']).toEqual(
      expect.arrayContaining(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']),
    );
    expect(found['token_endpoint_auth_signing_alg_values_supported']).not.toContain('none');
  });

  it('names the algorithms of assertions at every endpoint that takes them (RFC 8414 §2)', async () => {
    const found = await metadata();
    for (const endpoint of ['token', 'introspection', 'revocation']) {
      expect(found[`${endpoint}_endpoint_auth_methods_supported`]).toContain('private_key_jwt');
      expect(found[`${endpoint}_endpoint_auth_signing_alg_values_supported`]).toEqual(
        expect.arrayContaining(['ES256', 'RS256', 'PS256', 'EdDSA']),
      );
    }
  });

  it('lists the scopes meant for everyone, and not offline_access', async () => {
    expect((await metadata())['scopes_supported']).toEqual(['library:read', 'other:use']);
  });

  it('has no member that is null or empty', async () => {
    for (const [name, value] of Object.entries(await metadata())) {
      expect([name, value]).not.toEqual([name, null]);
      expect([name, value]).not.toEqual([name, '']);
      expect([name, value]).not.toEqual([name, []]);
    }
  });

  it('leaves out registration where it is off', async () => {
    const closed = await startServer({
      config: { registration: { dynamic: false, client_id_documents: false } },
    });
    try {
      const found = await metadata(closed);
      expect(found).not.toHaveProperty('registration_endpoint');
      expect(found['client_id_metadata_document_supported']).toBe(false);
      expect((await closed.json('/register', { redirect_uris: ['http://127.0.0.1/cb'] })).status).toBe(404);
    } finally {
      await closed.close();
    }
  });

  it('names endpoints that are there', async () => {
    for (const [name, url] of Object.entries(await metadata())) {
      if (name.endsWith('_endpoint') || name === 'jwks_uri') {
        expect([name, (await fetch(String(url), { redirect: 'manual' })).status]).not.toEqual([name, 404]);
      }
    }
  });
});

describe('it is served', () => {
  it('at the OAuth and the OpenID address, the same bytes', async () => {
    const [one, two] = await Promise.all(PLACES.map(async (path) => (await at(path)).text()));
    expect(two).toBe(one);
  });

  it('as JSON that may be kept, with no redirect and no cookie', async () => {
    for (const path of PLACES) {
      const response = await at(path);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^application\/json/);
      expect(response.headers.get('cache-control')).toMatch(/max-age=\d+/);
      expect(response.headers.get('set-cookie')).toBeNull();
    }
  });

  it('to HEAD with the same headers and no body', async () => {
    for (const path of PLACES) {
      const [head, whole] = [await at(path, { method: 'HEAD' }), await at(path)];
      expect(head.status).toBe(200);
      expect(await head.text()).toBe('');
      expect(head.headers.get('content-length')).toBe(whole.headers.get('content-length'));
      expect(head.headers.get('content-type')).toBe(whole.headers.get('content-type'));
    }
  });

  it('to pages of any origin, without credentials', async () => {
    for (const path of [...PLACES, '/jwks']) {
      const { headers } = await at(path, { headers: { origin: 'https://app.example' } });
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
    }
  });

  it('after a preflight that allows the header that MCP clients send', async () => {
    for (const path of PLACES) {
      const { status, headers } = await at(path, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://app.example',
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'mcp-protocol-version',
        },
      });
      expect([200, 204]).toContain(status);
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-allow-headers')?.toLowerCase()).toContain('mcp-protocol-version');
    }
  });

  it('to clients that say which protocol they speak, or want something else', async () => {
    for (const headers of [
      { 'mcp-protocol-version': '2025-11-25' },
      { accept: 'text/html' },
      { accept: '*/*' },
    ]) {
      const response = await at(PLACES[0] ?? '', { headers });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    }
  });
});

describe('an issuer with a path', () => {
  const origin = () => new URL(tenant.issuer).origin;

  it.each([
    '/.well-known/oauth-authorization-server/t/one',
    '/.well-known/openid-configuration/t/one',
    '/t/one/.well-known/openid-configuration',
    '/t/one/.well-known/oauth-authorization-server',
  ])('is described at %s', async (path) => {
    const response = await fetch(origin() + path, { redirect: 'manual' });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      issuer: tenant.issuer,
      token_endpoint: `${tenant.issuer}/token`,
    });
  });

  it('serves its endpoints below its path, and nowhere else', async () => {
    expect((await fetch(`${tenant.issuer}/jwks`)).status).toBe(200);
    expect((await fetch(`${origin()}/jwks`)).status).toBe(404);
    expect((await fetch(`${origin()}/token`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${origin()}/authorize`, { redirect: 'manual' })).status).toBe(404);
  });
});

it.each([
  '/.well-known/oauth-authorization-server/elsewhere',
  '/.well-known/openid-configuration/elsewhere',
  '/elsewhere/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server/',
  '/.well-known/nothing',
  '/.well-known/oauth-protected-resource',
  '/.well-known/..;/token',
  '/.well-known/..%2fconnections',
  '//connections',
])('%s is 404 in JSON or HTML, never a redirect and never a fault', async (path) => {
  const response = await fetch(server.issuer + path, { redirect: 'manual' });
  expect(response.status).toBe(404);
});

it('the signing keys are public, whole and ready to be cached', async () => {
  const response = await at('/jwks');
  expect(response.headers.get('cache-control')).toMatch(/max-age=\d+/);
  const { keys } = (await response.json()) as { keys: unknown[] };
  expect(keys.length).toBeGreaterThan(0);
  for (const key of keys) {
    expect(key).toMatchObject({ kid: expect.any(String), alg: expect.any(String), use: 'sig' });
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(key).not.toHaveProperty(secret);
  }
});
