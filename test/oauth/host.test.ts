// The origin is pinned: whatever a request says about where it was sent or came from, every URL is the issuer's.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimsOf, connect } from '../support/flow.ts';
import { person } from '../support/person.ts';
import { raw } from '../support/raw.ts';
import { type Server, startServer } from '../support/server.ts';
import { counts } from '../support/stored.ts';

let server: Server;
let host: string;
beforeAll(async () => {
  server = await startServer();
  host = new URL(server.issuer).host;
});
afterAll(() => server.close());

const READABLE = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
  '/jwks',
  '/sign-in',
  '/',
];
const EVIL = [
  'evil.example',
  'evil.example:4000',
  `${'evil.'.repeat(3)}example`,
  'localhost',
  '127.0.0.1',
  '',
];

describe('a request for another host', () => {
  it.each(EVIL)('is refused at every address: Host %j', async (evil) => {
    for (const path of READABLE) {
      const { status, body } = await raw(server.issuer, [`GET ${path} HTTP/1.1`, `Host: ${evil}`]);
      expect([path, [400, 421].includes(status)]).toEqual([path, true]);
      if (evil.includes('evil')) expect(body).not.toContain('evil');
    }
  });

  it('registers nobody', async () => {
    const before = counts(server);
    const body = JSON.stringify({ redirect_uris: ['http://127.0.0.1/cb'] });
    const { status } = await raw(
      server.issuer,
      [
        'POST /register HTTP/1.1',
        'Host: evil.example',
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
      ],
      body,
    );
    expect([400, 421]).toContain(status);
    expect(counts(server)).toEqual(before);
  });

  it('is refused when the Host is missing or there are two', async () => {
    const path = READABLE[0] ?? '';
    expect((await raw(server.issuer, [`GET ${path} HTTP/1.1`])).status).toBe(400);
    for (const hosts of [
      [host, 'evil.example'],
      ['evil.example', host],
      [host, host],
    ]) {
      const { status } = await raw(server.issuer, [
        `GET ${path} HTTP/1.1`,
        ...hosts.map((each) => `Host: ${each}`),
      ]);
      expect(status).toBe(400);
    }
  });

  it('is refused in the absolute form, whatever Host says', async () => {
    for (const path of READABLE) {
      const { status, body } = await raw(server.issuer, [
        `GET http://evil.example${path} HTTP/1.1`,
        `Host: ${host}`,
      ]);
      expect([400, 421]).toContain(status);
      expect(body).not.toContain('evil');
    }
  });
});

it('the absolute form of our own address is served as any other', async () => {
  const { status, body } = await raw(server.issuer, [
    `GET ${server.issuer}${READABLE[0]} HTTP/1.1`,
    `Host: ${host}`,
  ]);
  expect(status).toBe(200);
  expect(body).toContain(`"issuer":"${server.issuer}"`);
});

describe('forwarding headers of a stranger', () => {
  const forwarded = [
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Port: 444',
    'X-Forwarded-Prefix: /evil',
    'X-Original-URL: /sign-out',
    'X-Rewrite-URL: /sign-out',
    'X-Host: evil.example',
    'Forwarded: host=evil.example;proto=https',
  ];

  it('change no URL of the metadata', async () => {
    const lines = [`GET ${READABLE[0]} HTTP/1.1`, `Host: ${host}`];
    const plain = await raw(server.issuer, lines);
    const dressed = await raw(server.issuer, [...lines, ...forwarded]);
    expect(dressed.status).toBe(200);
    expect(dressed.body).toBe(plain.body);
  });

  it('change neither where a person is sent, from the first page to the last, nor what cookies they get', async () => {
    const extra = Object.fromEntries(forwarded.map((line) => line.split(': ') as [string, string]));
    const seen: Headers[] = [];
    const dressed: typeof fetch = async (url, init) => {
      const headers = { ...(init?.headers as Record<string, string>), ...extra };
      const response = await fetch(url, { ...init, headers });
      seen.push(response.headers);
      return response;
    };
    const alex = person({ username: 'alex', password: server.password, fetch: dressed });
    const { tokens } = await connect(server, { by: alex });
    expect(claimsOf(tokens.access_token)['iss']).toBe(server.issuer);
    expect(seen.length).toBeGreaterThan(4);
    for (const headers of seen) {
      expect(JSON.stringify([...headers])).not.toContain('evil');
      expect(headers.getSetCookie().join('\n')).not.toMatch(/;\s*secure/i);
    }
  });

  it('do not make one method of another', async () => {
    const before = counts(server);
    for (const header of [
      'X-HTTP-Method-Override: POST',
      'X-HTTP-Method: DELETE',
      'X-Method-Override: PUT',
    ]) {
      const { status } = await raw(server.issuer, ['GET /register HTTP/1.1', `Host: ${host}`, header]);
      expect(status).toBe(405);
    }
    expect(counts(server)).toEqual(before);
  });
});

describe('a path that only looks like another', () => {
  it.each([
    '/.well-known/oauth-authorization-server/../connections',
    '/.well-known/..;/connections',
    '/.well-known/%2e%2e/connections',
    '/.well-known/%2e%2e%2fconnections',
    '//connections',
    '/./connections',
    '/CONNECTIONS',
    '/connections%2f',
    '/connections%00',
    '/connections;x',
    '/%63onnections%0d%0aSet-Cookie:x',
    '/public/..%2f..%2fpackage.json',
    '/public/../package.json',
    '/public/%2e%2e/%2e%2e/package.json',
    '/authorize/../connections',
    '/authorize//x',
    '/token/',
    '/Token',
    '/%74oken%20',
    '/interaction/',
    '/%',
    '/%ff',
    '/%E0%A4%A',
  ])('is nothing: %s', async (path) => {
    const { status, head } = await raw(server.issuer, [`GET ${path} HTTP/1.1`, `Host: ${host}`]);
    expect([400, 404, 405]).toContain(status);
    expect(head).not.toMatch(/^set-cookie/im);
  });
});

it('malformed HTTP is refused and the server goes on', async () => {
  for (const lines of [
    ['GET / HTTP/9.9', `Host: ${host}`],
    ['BREW /jwks HTTP/1.1', `Host: ${host}`],
    ['GET /jwks HTTP/1.1', `Host: ${host}`, 'Content-Length: 5', 'Transfer-Encoding: chunked'],
    ['GET /jwks HTTP/1.1', `Host: ${host}`, `X-Long: ${'x'.repeat(40_000)}`],
    [`GET /${'x'.repeat(40_000)} HTTP/1.1`, `Host: ${host}`],
    ['GET /jwks HTTP/1.1', `Host: ${host}`, 'Bad Header: x'],
  ]) {
    const { status } = await raw(server.issuer, lines);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  }
  expect((await fetch(`${server.issuer}/health`)).status).toBe(200);
});
