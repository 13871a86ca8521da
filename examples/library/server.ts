// Town Library: an MCP server on the official SDK, over node:http, protected by the guard.
// Every request gets a server and a transport of its own, so there is no session for a stranger to take over.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGuard, type GuardOptions } from '@cardea/guard';
import { type GuardedRequest, protect } from '@cardea/guard/node';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { type Calendar, companyCalendar } from './calendar.ts';
import { libraryScopes, libraryScopesWithCalendar } from './resource.ts';
import { openShelves, type Shelves } from './shelves.ts';
import { libraryServer } from './tools.ts';

export type LibraryOptions = {
  /** 0 takes a free port. */
  port: number;
  issuer: string;
  /** The URI that tokens must be for. Unset: `http://127.0.0.1:PORT/mcp`. */
  resource?: string;
  introspection?: NonNullable<GuardOptions['introspection']>;
  /** The company's calendar API, for `my_calendar`. Unset: there is no such tool. Needs `introspection`. */
  calendar?: string;
  /** Where the catalogue is kept. Unset: a temporary file, gone after `close`. */
  dataFile?: string;
  onRefusal?: NonNullable<GuardOptions['onRefusal']>;
  /** What the guard asks the issuer with; the demo records what it says. */
  fetch?: typeof fetch;
};

/** Starts the library on loopback. `url` is its resource URI; `close` ends every connection. */
export async function startLibrary(
  options: LibraryOptions,
): Promise<{ url: string; close: () => Promise<void> }> {
  const { port, issuer, introspection, onRefusal } = options;
  const temporary = options.dataFile === undefined ? mkdtempSync(join(tmpdir(), 'library-')) : undefined;
  const shelves = openShelves(options.dataFile ?? join(temporary ?? '', 'books.json'));
  const server = createServer();
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', listening);
  });
  const resource = options.resource ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;

  // The whole of the protection. Taking a book away for good also asks whether the token still holds.
  const live = (tool: string) => tool === 'remove_book';
  const guard = createGuard({
    issuer,
    resource,
    name: 'Town Library',
    scopes: options.calendar ? libraryScopesWithCalendar : libraryScopes,
    ...(introspection ? { introspection: { live, ...introspection } } : {}),
    ...(onRefusal ? { onRefusal } : {}),
    ...(options.fetch ? { fetch: options.fetch } : {}),
  });
  const { calendar: address } = options;
  const calendar = address ? companyCalendar({ guard, address }) : undefined;
  const guarded = protect(guard);
  server.on('request', (req: GuardedRequest, res) =>
    guarded(req, res, (error) => serve({ shelves, calendar }, req, res, error)),
  );

  return {
    url: resource,
    close: () =>
      new Promise((closed, failed) => {
        server.close((error) => {
          if (temporary) rmSync(temporary, { recursive: true, force: true });
          return error ? failed(error) : closed();
        });
        server.closeAllConnections();
      }),
  };
}

type Rooms = { shelves: Shelves; calendar: Calendar | undefined };

async function serve(
  { shelves, calendar }: Rooms,
  req: GuardedRequest,
  res: ServerResponse,
  error?: unknown,
): Promise<void> {
  try {
    if (error) throw error;
    // Without sessions there is no stream to open (GET) and nothing to end (DELETE).
    if (req.method !== 'POST') {
      res.writeHead(405, { allow: 'POST' }).end();
      return;
    }
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    const library = libraryServer(shelves, calendar);
    res.once('close', () => void library.close());
    // The SDK's own class and its own interface disagree under exactOptionalPropertyTypes.
    await library.connect(transport as Transport);
    await transport.handleRequest(req, res, req.body);
  } catch (failure) {
    console.error(failure);
    if (!res.headersSent) res.writeHead(500);
    res.end();
  }
}

if (import.meta.main) {
  const { PORT = '4100', CARDEA_ISSUER = 'http://127.0.0.1:4000', RESOURCE, DATA_FILE } = process.env;
  const file = process.env.LIBRARY_SECRET_FILE;
  const secret = process.env.LIBRARY_SECRET ?? (file ? readFileSync(file, 'utf8').trim() : undefined);
  const library = await startLibrary({
    port: Number(PORT),
    issuer: CARDEA_ISSUER,
    ...(RESOURCE ? { resource: RESOURCE } : {}),
    ...(secret ? { introspection: { id: 'library-server', secret } } : {}),
    ...(DATA_FILE ? { dataFile: DATA_FILE } : {}),
    onRefusal: ({ reason, status, detail }) => console.error(`refused ${status} ${reason}: ${detail}`),
  });
  console.log(`library ready ${library.url}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void library.close());
}
