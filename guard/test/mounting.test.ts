// Each way of mounting that the README shows, with the real framework and the real MCP SDK on both sides.
import { randomUUID } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import express, { type RequestHandler } from 'express';
import Koa from 'koa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createGuard } from '../src/guard.ts';
import { protect as protectKoa } from '../src/koa.ts';
import { type GuardedRequest, protect, serveMetadata } from '../src/node.ts';
import { type FakeIssuer, fakeIssuer } from './fake-issuer.ts';
import { call, listening, scopes } from './protected-server.ts';

type Served = { origin: string; close: () => Promise<unknown> };

let issuer: FakeIssuer;
const open: Served[] = [];

beforeEach(async () => {
  issuer = await fakeIssuer();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
  await issuer.close();
});

function mcpServer(): McpServer {
  const server = new McpServer({ name: 'test', version: '1' });
  for (const name of [...Object.values(scopes).flat(), 'unlisted']) {
    server.registerTool(name, { description: name }, (extra) => ({
      content: [{ type: 'text', text: `${name} for ${extra.authInfo?.extra?.subject}` }],
    }));
  }
  return server;
}

async function answer(
  req: GuardedRequest,
  res: Parameters<RequestHandler>[1] | Koa.Context['res'],
  json = false,
) {
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: json });
  await mcpServer().connect(transport as Transport);
  await transport.handleRequest(req, res, req.body);
}

async function start() {
  const http = await listening();
  open.push(http);
  const guard = createGuard({ issuer: issuer.issuer, resource: `${http.origin}/mcp`, scopes });
  return { ...http, guard };
}

const mounts = {
  async 'node:http, answering with event streams'() {
    const { server, guard } = await start();
    const guarded = protect(guard);
    server.on('request', (req: GuardedRequest, res) => guarded(req, res, () => answer(req, res)));
    return guard.resource;
  },
  async 'node:http, answering with JSON, to a server that reads the body itself'() {
    const { server, guard } = await start();
    const guarded = protect(guard);
    server.on('request', (req: GuardedRequest, res) =>
      guarded(req, res, async () => {
        const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
        await mcpServer().connect(transport as Transport);
        await transport.handleRequest(req, res);
      }),
    );
    return guard.resource;
  },
  async 'node:http, with sessions'() {
    const { server, guard } = await start();
    const guarded = protect(guard);
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
    await mcpServer().connect(transport as Transport);
    server.on('request', (req: GuardedRequest, res) =>
      guarded(req, res, () => transport.handleRequest(req, res, req.body)),
    );
    return guard.resource;
  },
  async 'Express, before everything'() {
    const { server, guard } = await start();
    const app = express();
    app.use(protect(guard));
    app.all('/mcp', (req, res) => answer(req as GuardedRequest, res));
    server.on('request', app);
    return guard.resource;
  },
  async 'Express, on one route, after a body parser'() {
    const { server, guard } = await start();
    const app = express();
    app.use(serveMetadata(guard), express.json());
    app.all('/mcp', protect(guard), (req, res) => answer(req as GuardedRequest, res, true));
    server.on('request', app);
    return guard.resource;
  },
  async Koa() {
    const { server, guard } = await start();
    const app = new Koa();
    app.use(protectKoa(guard));
    app.use(async (ctx) => {
      ctx.respond = false;
      await answer(ctx.req as GuardedRequest, ctx.res);
    });
    server.on('request', app.callback());
    return guard.resource;
  },
};

async function connect(resource: string, token: string): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(resource), { requestInit }) as Transport);
  open.push({ origin: '', close: () => client.close() });
  return client;
}

describe.each(Object.entries(mounts))('%s', (_name, mount) => {
  test('an MCP client sees and calls what its token allows, and nothing else', async () => {
    const resource = await mount();
    const tools = { 'library:write': ['add_book'] };
    const client = await connect(resource, await issuer.token(resource, { tools }));
    const listed = await client.listTools();
    expect(listed.tools.map((tool) => tool.name)).toEqual(['search_books', 'book_details', 'add_book']);
    const called = await client.callTool({ name: 'add_book' });
    expect(called.content).toEqual([{ type: 'text', text: 'add_book for alice' }]);
    await expect(client.callTool({ name: 'remove_book' })).rejects.toThrow(
      'not allowed the tool remove_book',
    );
  });

  test('metadata is public, everything else needs a token', async () => {
    const resource = await mount();
    const { origin } = new URL(resource);
    const metadata = await fetch(`${origin}/.well-known/oauth-protected-resource/mcp`);
    expect(((await metadata.json()) as { resource: string }).resource).toBe(resource);
    for (const method of ['GET', 'POST', 'DELETE']) {
      const response = await fetch(resource, { method });
      expect([response.status, response.headers.has('www-authenticate')]).toEqual([401, true]);
    }
  });
});

test('a body that Express left unparsed is read and judged, not taken for empty', async () => {
  const { server, guard } = await start();
  const app = express();
  app.use((req, _res, next) => {
    req.body = {};
    next();
  });
  app.use(protect(guard));
  app.all('/mcp', (req, res) => void res.json(req.body));
  server.on('request', app);
  const headers = {
    authorization: `Bearer ${await issuer.token(guard.resource, { scope: 'library:read' })}`,
  };
  const body = JSON.stringify(call('remove_book'));
  expect((await fetch(guard.resource, { method: 'POST', headers, body })).status).toBe(403);
});

test('a Koa application may answer through ctx.body', async () => {
  const { server, guard } = await start();
  const app = new Koa();
  app.use(protectKoa(guard));
  app.use((ctx) => {
    const tools = ['search_books', 'remove_book'].map((name) => ({ name, inputSchema: {} }));
    ctx.body = { jsonrpc: '2.0', id: 1, result: { tools } };
  });
  server.on('request', app.callback());
  const headers = {
    authorization: `Bearer ${await issuer.token(guard.resource, { scope: 'library:read' })}`,
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
  const response = await fetch(guard.resource, { method: 'POST', headers, body });
  const text = await response.text();
  expect(text).toContain('search_books');
  expect(text).not.toContain('remove_book');
});

describe('web-standard', () => {
  const resource = 'https://library.example/mcp';
  const guard = () => createGuard({ issuer: issuer.issuer, resource, scopes });
  const post = (token: string, message: object) =>
    new Request(resource, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(message),
    });

  test.each([true, false])(
    'lists are filtered and calls refused around the SDK transport, JSON: %s',
    async (json) => {
      const handle = (request: Request) =>
        guard().handle(request, async (judged) => {
          const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: json });
          await mcpServer().connect(transport as Transport);
          return transport.handleRequest(judged);
        });
      const token = await issuer.token(resource, { scope: 'library:read' });
      const list = await (await handle(post(token, { jsonrpc: '2.0', id: 1, method: 'tools/list' }))).text();
      expect(list).toContain('search_books');
      expect(list).not.toContain('remove_book');
      expect((await handle(post(token, call('remove_book')))).status).toBe(403);
    },
  );

  test('a body over the limit is refused, though it declares no length', async () => {
    const small = createGuard({ issuer: issuer.issuer, resource, scopes, maxBody: 50 });
    const request = post(await issuer.token(resource), call('search_books'));
    expect(request.headers.has('content-length')).toBe(false);
    expect((await small.handle(request, () => new Response('no'))).status).toBe(413);
  });

  test('metadata is answered', async () => {
    const request = new Request('https://library.example/.well-known/oauth-protected-resource/mcp');
    const response = await guard().handle(request, () => new Response('no'));
    expect(((await response.json()) as { resource: string }).resource).toBe(resource);
  });
});
