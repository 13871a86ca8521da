import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { libraryResource, libraryScopes } from '../../examples/library/resource.ts';
import { startLibrary } from '../../examples/library/server.ts';
import { type FakeIssuer, fakeIssuer } from '../../guard/test/fake-issuer.ts';

const introspection = { id: 'library-server', secret: 's&cret' };
const everything = Object.keys(libraryScopes).join(' ');
let issuer: FakeIssuer;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  issuer = await fakeIssuer();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await issuer.close();
});

async function library(dataFile?: string) {
  const started = await startLibrary({
    port: 0,
    issuer: issuer.issuer,
    introspection,
    ...(dataFile ? { dataFile } : {}),
  });
  closing.push(started.close);
  return started;
}

async function visitor(url: string, claims: object = {}) {
  const token = await issuer.token(url, { scope: everything, ...claims });
  const client = new Client({ name: 'visitor', version: '1' });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }) as Transport);
  closing.push(() => client.close());
  const use = async (name: string, input: Record<string, unknown> = {}) => {
    const result = await client.callTool({ name, arguments: input });
    const [content] = result.content as { text: string }[];
    return { failed: result.isError === true, text: content?.text ?? '' };
  };
  return {
    client,
    token,
    use,
    read: async (name: string, input = {}) => JSON.parse((await use(name, input)).text),
  };
}

test('the tools it serves are those it declares', async () => {
  const { url } = await library();
  const { client } = await visitor(url);
  const { tools } = await client.listTools();
  const declared = libraryResource(url, 'x').scopes.flatMap((scope) => scope.tools);
  expect(tools.map((tool) => tool.name)).toEqual(declared.map((tool) => tool.name));
  for (const { name, effect } of declared) {
    const { annotations } = tools.find((tool) => tool.name === name) ?? {};
    expect(annotations?.readOnlyHint).toBe(effect === 'read');
    expect(annotations?.destructiveHint ?? false).toBe(effect === 'destroy');
  }
});

test('books are found by any of their words, accents or not', async () => {
  const { url } = await library();
  const { read } = await visitor(url);
  const titles = async (query: string) =>
    (await read('search_books', { query })).map((book: { title: string }) => book.title);
  expect(await titles('')).toHaveLength(41);
  expect(await titles('miserables HUGO')).toEqual(['Les Misérables']);
  expect(await titles('whales 1851')).toEqual(['Moby-Dick']);
  expect(await titles('nothing like it')).toEqual([]);
});

test('a loan belongs to the person of the token and takes a copy away until it comes back', async () => {
  const { url } = await library();
  const alice = await visitor(url);
  const bob = await visitor(url, { sub: 'bob' });
  const book = { id: 'emma' };
  expect((await alice.use('borrow_book', book)).failed).toBe(false);
  expect(await alice.read('list_loans')).toMatchObject([{ book: 'emma', title: 'Emma' }]);
  expect(await bob.read('list_loans')).toEqual([]);
  expect((await bob.read('book_details', book)).available).toBe(1);
  expect((await alice.use('borrow_book', book)).text).toBe('You already have "Emma".');
  expect((await bob.use('return_book', book)).failed).toBe(true);
  expect((await alice.use('return_book', book)).failed).toBe(false);
  expect((await bob.read('book_details', book)).available).toBe(2);
});

test('the last copy cannot be lent twice', async () => {
  const { url } = await library();
  const [alice, bob] = [await visitor(url), await visitor(url, { sub: 'bob' })];
  expect((await alice.use('borrow_book', { id: 'walden' })).failed).toBe(false);
  expect((await bob.use('borrow_book', { id: 'walden' })).text).toBe('Every copy of "Walden" is out.');
});

test('a book can be added, and stays when the library starts again', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'library-test-'));
  closing.push(async () => rmSync(directory, { recursive: true }));
  const dataFile = join(directory, 'books.json');
  const first = await library(dataFile);
  const curator = await visitor(first.url);
  const book = { title: 'The Time Machine', author: 'H. G. Wells', year: 1895 };
  expect(await curator.read('add_book', book)).toMatchObject({ id: 'the-time-machine', copies: 1 });
  await curator.use('borrow_book', { id: 'the-time-machine' });
  const again = await visitor((await library(dataFile)).url);
  expect(await again.read('list_loans')).toMatchObject([{ book: 'the-time-machine' }]);
});

test('input that makes no sense is refused', async () => {
  const { url } = await library();
  const { use } = await visitor(url);
  expect((await use('add_book', { title: ' ', author: 'x', year: 1900 })).failed).toBe(true);
  expect((await use('add_book', { title: 'x', author: 'x', year: 'long ago' })).failed).toBe(true);
  expect((await use('borrow_book', { id: 'no-such-book' })).failed).toBe(true);
});

test('what the person did not allow is refused before it reaches the library', async () => {
  const { url } = await library();
  const { client } = await visitor(url, { scope: 'library:read' });
  await expect(client.callTool({ name: 'borrow_book', arguments: { id: 'emma' } })).rejects.toThrow(
    'library:lend',
  );
});

test('a book is removed only with a token that still holds at that moment', async () => {
  const { url } = await library();
  const { client, token, use } = await visitor(url);
  await expect(client.callTool({ name: 'remove_book', arguments: { id: 'emma' } })).rejects.toThrow();
  issuer.state.live.set(token, { active: true, aud: url, exp: Date.now() / 1000 + 60 });
  expect((await use('remove_book', { id: 'emma' })).failed).toBe(false);
  expect((await use('book_details', { id: 'emma' })).failed).toBe(true);
});

test('it runs by itself and says where it is', async () => {
  const server = join(import.meta.dirname, '../../examples/library/server.ts');
  const env = {
    ...process.env,
    PORT: '0',
    CARDEA_ISSUER: issuer.issuer,
    LIBRARY_SECRET: introspection.secret,
  };
  const child = spawn(process.execPath, [server], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const [, url = ''] = /^library ready (\S+)\n$/.exec(String(line)) ?? [];
  expect((await fetch(url, { method: 'POST' })).status).toBe(401);
  child.kill('SIGTERM');
  expect((await ended)[0]).toBe(0);
});

test('the checked-in catalogue has no book twice', () => {
  const file = new URL('../../examples/library/books.json', import.meta.url);
  const ids = (JSON.parse(readFileSync(file, 'utf8')) as { id: string }[]).map((book) => book.id);
  expect(new Set(ids).size).toBe(ids.length);
});
