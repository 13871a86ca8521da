import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGuard } from '../src/guard.ts';
import { type FakeIssuer, fakeIssuer } from './fake-issuer.ts';
import { challengeOf, type Protected, protectedServer, scopes } from './protected-server.ts';

let issuer: FakeIssuer;
let server: Protected;

beforeAll(async () => {
  issuer = await fakeIssuer();
  server = await protectedServer(issuer);
});
afterAll(async () => {
  await server.close();
  await issuer.close();
});

test('a request without a token learns where to get one, and no error code', async () => {
  const response = await server.post(undefined);
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toMatch(/^Bearer /);
  expect(challengeOf(response)).toEqual({
    scope: 'library:read library:write',
    resource_metadata: `${server.origin}/.well-known/oauth-protected-resource/mcp`,
  });
  expect(response.headers.get('access-control-expose-headers')).toBe('WWW-Authenticate, DPoP-Nonce');
});

test.each(['GET', 'DELETE', 'POST', 'PUT'])('%s needs a token', async (method) => {
  expect((await fetch(server.resource, { method })).status).toBe(401);
});

test('no path but the metadata is public', async () => {
  for (const path of [
    '/',
    '/mcp/',
    '/MCP',
    '/other',
    '/.well-known/other',
    '/.well-known/oauth-protected-resource',
  ]) {
    expect((await fetch(server.origin + path)).status).toBe(401);
  }
});

test('a token in the query or the body is not looked at', async () => {
  const token = await issuer.token(server.resource);
  expect((await fetch(`${server.resource}?access_token=${token}`)).status).toBe(401);
  const body = new URLSearchParams({ access_token: token });
  expect((await fetch(server.resource, { method: 'POST', body })).status).toBe(401);
});

const statusOf = (headers: string[]): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const authorization = headers.flatMap((value) => ['Authorization', value]);
    const sent = request(server.resource, {
      headers: ['Host', new URL(server.origin).host, ...authorization],
    });
    sent.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
    sent.end();
  });

test('the scheme may be written in any case, with spaces around the token', async () => {
  const token = await issuer.token(server.resource);
  expect(await statusOf([`bearer ${token}`])).toBe(200);
  expect(await statusOf([`BEARER   ${token}  `])).toBe(200);
});

test('several Authorization headers are refused, even if the first is good', async () => {
  const token = await issuer.token(server.resource);
  expect(await statusOf([`Bearer ${token}`, 'Bearer other'])).toBe(400);
});

test.each([
  ['another scheme', 'Basic YTpi', 401],
  ['no token', 'Bearer', 401],
  ['two words', 'Bearer a b', 400],
  ['a character that no token has', 'Bearer a"b', 400],
  ['two tokens in one header', 'Bearer a, Bearer b', 400],
])('%s is answered as what it is', async (_name, header, status) => {
  expect(await statusOf([header])).toBe(status);
});

test('a token over 16 KiB is refused unread', async () => {
  const reasons: string[] = [];
  const onRefusal = ({ reason }: { reason: string }) => void reasons.push(reason);
  const guard = createGuard({ issuer: issuer.issuer, resource: server.resource, scopes, onRefusal });
  const request = new Request(server.resource, {
    headers: { authorization: `Bearer ${'a'.repeat(17_000)}` },
  });
  const decision = await guard.check(request);
  expect(decision.ok ? 200 : decision.response.status).toBe(401);
  expect(reasons).toEqual(['token_too_long']);
});

test('the metadata names resource and issuer to the byte', async () => {
  const response = await fetch(server.guard.metadataUrl);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(await response.json()).toEqual({
    resource: server.resource,
    authorization_servers: [issuer.issuer],
    scopes_supported: ['library:read', 'library:write'],
    bearer_methods_supported: ['header'],
  });
});

test('the metadata answers a preflight and HEAD, and refuses POST', async () => {
  const preflight = await fetch(server.guard.metadataUrl, { method: 'OPTIONS' });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-methods')).toBe('GET');
  expect((await fetch(server.guard.metadataUrl, { method: 'HEAD' })).status).toBe(200);
  expect((await fetch(server.guard.metadataUrl, { method: 'POST' })).status).toBe(405);
});

test.each([
  ['https://h.example', '/.well-known/oauth-protected-resource', ''],
  ['https://h.example/', '/.well-known/oauth-protected-resource', ''],
  ['https://h.example/mcp', '/.well-known/oauth-protected-resource/mcp', ''],
  ['https://h.example/a/b/', '/.well-known/oauth-protected-resource/a/b/', ''],
  ['https://h.example/mcp?t=1', '/.well-known/oauth-protected-resource/mcp', '?t=1'],
])('the metadata of %s is at %s', (resource, path, query) => {
  const guard = createGuard({ issuer: issuer.issuer, resource, scopes });
  expect(guard.metadataPath).toBe(path);
  expect(guard.metadataUrl).toBe(`https://h.example${path}${query}`);
  expect(guard.metadata().resource).toBe(resource);
});

test('a Host header changes nothing in the challenge', async () => {
  const header = await new Promise<unknown>((resolve) => {
    const sent = request(server.resource, { headers: { host: 'evil.example' } });
    sent.on('response', (response) => resolve(response.resume().headers['www-authenticate'])).end();
  });
  expect(header).not.toContain('evil');
});
