import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeIssuer, fakeIssuer } from './fake-issuer.ts';
import { call, challengeOf, type Protected, protectedServer } from './protected-server.ts';

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

const reading = { scope: 'library:read' };
const adding = { tools: { 'library:write': ['add_book'] } };
const list = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/list' });

test('a tool whose scope the token has may be called', async () => {
  const token = await issuer.token(server.resource, reading);
  expect((await server.post(token, call('search_books'))).status).toBe(200);
});

test('a tool whose scope the token lacks is refused, and the challenge names old and new scopes', async () => {
  const token = await issuer.token(server.resource, { scope: 'library:read offline_access' });
  const response = await server.post(token, call('add_book'));
  expect(response.status).toBe(403);
  expect(challengeOf(response)).toEqual({
    error: 'insufficient_scope',
    error_description: 'The tool add_book needs the scope library:write',
    scope: 'library:read library:write',
    resource_metadata: server.guard.metadataUrl,
  });
  expect(server.refusals.at(-1)?.reason).toBe('insufficient_scope');
});

test('of a scope allowed in part, only the allowed tools may be called', async () => {
  const token = await issuer.token(server.resource, adding);
  expect((await server.post(token, call('add_book'))).status).toBe(200);
  expect((await server.post(token, call('search_books'))).status).toBe(200);
  const response = await server.post(token, call('remove_book'));
  expect(response.status).toBe(403);
  expect(challengeOf(response).scope).toBe('library:read library:write');
  expect(server.refusals.at(-1)?.reason).toBe('tool_not_allowed');
});

test('a tool named in "tools" without its scope is not allowed', async () => {
  const token = await issuer.token(server.resource, { ...reading, ...adding });
  expect((await server.post(token, call('add_book'))).status).toBe(403);
});

test('a scope of which no tool was allowed opens none', async () => {
  const token = await issuer.token(server.resource, { tools: { 'library:write': [] } });
  expect((await server.post(token, call('add_book'))).status).toBe(403);
});

test('one forbidden call refuses the whole batch', async () => {
  const token = await issuer.token(server.resource, reading);
  const before = server.reached.length;
  expect((await server.post(token, [call('search_books', 1), call('remove_book', 2)])).status).toBe(403);
  expect(server.reached).toHaveLength(before);
});

test('a call without id, a notification, is checked as well', async () => {
  const token = await issuer.token(server.resource, reading);
  const { id: _id, ...notification } = call('remove_book');
  expect((await server.post(token, notification)).status).toBe(403);
});

test('a tool that no scope names is refused without sending the client for more scopes', async () => {
  const response = await server.post(await issuer.token(server.resource), call('unlisted'));
  expect(response.status).toBe(403);
  expect(response.headers.has('www-authenticate')).toBe(false);
  expect(await response.json()).toMatchObject({ error: { code: -32602, message: 'Unknown tool: unlisted' } });
});

test.each(['__proto__', 'constructor', 'toString', 'Add_Book', 'add_book '])(
  'no tool hides behind the name %s',
  async (name) => {
    expect((await server.post(await issuer.token(server.resource), call(name))).status).toBe(403);
  },
);

test.each([
  ['not JSON', '{'],
  ['nothing', ''],
  ['a word', '"tools/call"'],
  ['a batch in a batch', [[call('search_books')]]],
  ['a call without a tool', { jsonrpc: '2.0', id: 1, method: 'tools/call' }],
  ['a call of a tool that is no string', { ...call('x'), params: { name: ['search_books'] } }],
])('a body that is %s is refused', async (_name, body) => {
  expect((await server.post(await issuer.token(server.resource), body)).status).toBe(400);
});

test('of a member given twice, the server gets the one that was judged', async () => {
  const body =
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping","params":{"name":"remove_book"}}';
  await server.post(await issuer.token(server.resource, reading), body);
  const reached = server.reached.at(-1);
  expect(reached?.body).toMatchObject({ method: 'ping' });
  expect(String(reached?.rawBody)).not.toContain('tools/call');
});

const listed = async (response: Response): Promise<string[]> => {
  const { result } = (await response.json()) as { result: { tools: { name: string }[] } };
  return result.tools.map((tool) => tool.name);
};

test('tools/list shows what the token may call', async () => {
  const all = await issuer.token(server.resource);
  expect(await listed(await server.post(all, list(7)))).toEqual([
    'search_books',
    'book_details',
    'add_book',
    'remove_book',
  ]);
  const some = await issuer.token(server.resource, adding);
  expect(await listed(await server.post(some, list(7)))).toEqual([
    'search_books',
    'book_details',
    'add_book',
  ]);
  const read = await issuer.token(server.resource, reading);
  expect(await listed(await server.post(read, list(7)))).toEqual(['search_books', 'book_details']);
});

test('in a batch, only the answers to tools/list are changed', async () => {
  const response = await server.post(await issuer.token(server.resource, reading), [
    call('search_books', 1),
    list(2),
  ]);
  const [first, second] = (await response.json()) as { result: { tools?: unknown[] } }[];
  expect(first?.result).toEqual({ echo: 'tools/call' });
  expect(second?.result.tools).toHaveLength(2);
});

test('a server may show every listed tool, so that clients can ask for more', async () => {
  const open = await protectedServer(issuer, { list: 'all' });
  const token = await issuer.token(open.resource, reading);
  expect(await listed(await open.post(token, list(1)))).not.toContain('unlisted');
  expect(await listed(await open.post(token, list(1)))).toContain('remove_book');
  expect((await open.post(token, call('remove_book'))).status).toBe(403);
  await open.close();
});

test('a server may keep tools that no scope names open', async () => {
  const open = await protectedServer(issuer, { unlisted: 'allow' });
  const token = await issuer.token(open.resource, reading);
  expect((await open.post(token, call('unlisted'))).status).toBe(200);
  expect(await listed(await open.post(token, list(1)))).toContain('unlisted');
  await open.close();
});

test('a body over the limit is refused, declared or not', async () => {
  const small = await protectedServer(issuer, { maxBody: 1000 });
  const token = await issuer.token(small.resource);
  const long = { ...call('search_books'), padding: 'x'.repeat(2000) };
  expect((await small.post(token, long)).status).toBe(413);
  const chunks = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(JSON.stringify(long)));
      controller.close();
    },
  });
  const headers = { authorization: `Bearer ${token}` };
  const streamed = await fetch(small.resource, { method: 'POST', headers, body: chunks, duplex: 'half' });
  expect(streamed.status).toBe(413);
  await small.close();
});

test('a compressed body is refused, it could not be judged', async () => {
  const headers = {
    authorization: `Bearer ${await issuer.token(server.resource)}`,
    'content-encoding': 'gzip',
  };
  expect((await fetch(server.resource, { method: 'POST', headers, body: 'x' })).status).toBe(415);
});
