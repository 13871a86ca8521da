// An MCP server of the least kind behind a guard, over real HTTP, and a way to ask it.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGuard, type GuardOptions } from '../src/guard.ts';
import { type GuardedRequest, protect } from '../src/node.ts';
import type { FakeIssuer } from './fake-issuer.ts';

export const scopes = {
  'library:read': ['search_books', 'book_details'],
  'library:write': ['add_book', 'remove_book'],
};

export async function listening(listener?: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    server,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

export const everyTool = [...Object.values(scopes).flat(), 'unlisted'].map((name) => ({
  name,
  inputSchema: {},
}));

/** Answers `tools/list` and echoes everything else. */
export function reply(message: { id?: unknown; method?: string }): object {
  const result = message.method === 'tools/list' ? { tools: everyTool } : { echo: message.method };
  return { jsonrpc: '2.0', id: message.id, result };
}

export type Protected = Awaited<ReturnType<typeof protectedServer>>;

export async function protectedServer(issuer: FakeIssuer, options: Partial<GuardOptions> = {}) {
  const http = await listening();
  const resource = options.resource ?? `${http.origin}/mcp`;
  const refusals: { reason: string; status: number; detail: string }[] = [];
  const reached: GuardedRequest[] = [];
  const onRefusal = (refusal: (typeof refusals)[number]) => void refusals.push(refusal);
  const guard = createGuard({ issuer: issuer.issuer, resource, scopes, onRefusal, ...options });
  const guarded = protect(guard);
  http.server.on('request', (req: GuardedRequest, res) =>
    guarded(req, res, () => {
      reached.push(req);
      const body = req.body as { id?: unknown } | { id?: unknown }[];
      const answer = Array.isArray(body) ? body.map(reply) : reply(body ?? {});
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    }),
  );
  return {
    ...http,
    guard,
    resource,
    refusals,
    reached,
    /** POSTs a message with this token, unless it is undefined. */
    post: (token: string | undefined, message: unknown = { jsonrpc: '2.0', id: 1, method: 'ping' }) =>
      fetch(`${http.origin}/mcp`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token ? { authorization: `Bearer ${token}` } : {}),
        },
        body: typeof message === 'string' ? message : JSON.stringify(message),
      }),
  };
}

export const call = (name: string, id = 1) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: {} },
});

export const challengeOf = (response: Response): Record<string, string> =>
  Object.fromEntries(
    [...(response.headers.get('www-authenticate') ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(
      ([, name, value]) => [name, value],
    ),
  );
