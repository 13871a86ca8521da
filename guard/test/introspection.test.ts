import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeIssuer, fakeIssuer } from './fake-issuer.ts';
import { call, challengeOf, type Protected, protectedServer } from './protected-server.ts';

const client = { id: 'library-server', secret: 's&cret' };
let issuer: FakeIssuer;
const servers: Protected[] = [];

beforeEach(async () => {
  issuer = await fakeIssuer();
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await issuer.close();
});

async function start(
  ...options: Parameters<typeof protectedServer> extends [unknown, ...infer Rest] ? Rest : never
) {
  const server = await protectedServer(issuer, ...options);
  servers.push(server);
  return server;
}

const active = (aud: string, more: object = {}) => ({
  active: true,
  iss: issuer.issuer,
  aud,
  sub: 'alice',
  client_id: 'client-1',
  scope: 'library:read',
  exp: Math.floor(Date.now() / 1000) + 600,
  tools: { 'library:read': ['search_books'] },
  ...more,
});

test('an opaque token is refused without introspection', async () => {
  const server = await start();
  expect((await server.post('opaque')).status).toBe(401);
});

test('an opaque token that the issuer calls active passes, with the tools the issuer names', async () => {
  const server = await start({ introspection: client });
  issuer.state.live.set('opaque', active(server.resource));
  expect((await server.post('opaque', call('search_books'))).status).toBe(200);
  expect((await server.post('opaque', call('book_details'))).status).toBe(403);
});

test('a token that is not active is refused', async () => {
  const server = await start({ introspection: client });
  const response = await server.post('revoked');
  expect(response.status).toBe(401);
  expect(challengeOf(response).error).toBe('invalid_token');
});

test.each([
  ['another audience', { aud: 'https://other.example/mcp' }],
  ['no audience', { aud: undefined }],
  ['another issuer', { iss: 'https://other.example' }],
  ['no expiry', { exp: undefined }],
  ['an expiry in the past', { exp: 1000 }],
  ['active that is not true', { active: 'true' }],
])('an answer with %s is refused', async (_name, more) => {
  const server = await start({ introspection: client });
  issuer.state.live.set('opaque', active(server.resource, more));
  expect((await server.post('opaque')).status).toBe(401);
});

test('a JWT is not asked about unless the server wants it', async () => {
  const server = await start({ introspection: client });
  expect((await server.post(await issuer.token(server.resource))).status).toBe(200);
  expect(issuer.introspected).toHaveLength(0);
});

test('a revoked JWT is refused at once when every request is checked live', async () => {
  const server = await start({ introspection: { ...client, live: 'always' } });
  expect((await server.post(await issuer.token(server.resource))).status).toBe(401);
});

test('a revoked JWT cannot call a tool that is checked live', async () => {
  const live = (tool: string) => tool === 'remove_book';
  const server = await start({ introspection: { ...client, live } });
  const token = await issuer.token(server.resource);
  expect((await server.post(token, call('search_books'))).status).toBe(200);
  expect((await server.post(token, [call('search_books'), call('remove_book', 2)])).status).toBe(401);
});

test('a grant narrowed since the token was issued holds at once when checked live', async () => {
  const server = await start({ introspection: { ...client, live: 'always' } });
  const token = await issuer.token(server.resource);
  issuer.state.live.set(token, active(server.resource));
  expect((await server.post(token, call('search_books'))).status).toBe(200);
  expect((await server.post(token, call('add_book'))).status).toBe(403);
});

test('a JWT that is bad in itself is never sent to the issuer', async () => {
  const server = await start({ introspection: { ...client, live: 'always' } });
  expect(
    (await server.post(await issuer.token(server.resource, { aud: 'https://other.example' }))).status,
  ).toBe(401);
  expect(issuer.introspected).toHaveLength(0);
});

test('while the issuer does not answer, nothing passes', async () => {
  const server = await start({ introspection: { ...client, live: 'always' } });
  issuer.state.down.add('/introspect');
  const response = await server.post(await issuer.token(server.resource));
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('5');
  expect(response.headers.has('www-authenticate')).toBe(false);
  expect(server.reached).toHaveLength(0);
});

test('a wrong server secret lets nothing pass and tells the operator', async () => {
  const server = await start({ introspection: { ...client, secret: 'wrong' } });
  expect((await server.post('opaque')).status).toBe(503);
  expect(server.refusals[0]).toMatchObject({
    reason: 'introspection_refused',
    detail: expect.stringContaining('secret'),
  });
});
