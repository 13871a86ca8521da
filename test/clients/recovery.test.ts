// What the official SDKs do when something that they hold is not good any more: the error's code decides whether they
// ask the person again, register again, or try again later with what they have. PROTOCOL T8.

import { UnauthorizedError as Second } from '@modelcontextprotocol/client';
import { UnauthorizedError as First } from '@modelcontextprotocol/sdk/client/auth.js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { libraryResource } from '../../examples/library/resource.ts';
import { startLibrary } from '../../examples/library/server.ts';
import { freePort } from '../support/cardea.ts';
import { mcpClient } from '../support/client-mcp.ts';
import { secondMcpClient } from '../support/client-mcp-v2.ts';
import { databaseAway, durably } from '../support/flow.ts';
import { type Server, startServer } from '../support/server.ts';

const secret = 'library-secret-of-a-test-library-secret';

let server: Server;
let library: Awaited<ReturnType<typeof startLibrary>>;
beforeAll(async () => {
  const port = await freePort();
  const resource = `http://127.0.0.1:${port}/mcp`;
  server = await startServer({ config: { resources: [libraryResource(resource, secret)] } });
  const introspection = { id: 'library-server', secret };
  library = await startLibrary({ port, issuer: server.issuer, resource, introspection });
  vi.spyOn(console, 'warn').mockImplementation(() => {}); // the second SDK says what it drops
});
afterAll(async () => {
  vi.restoreAllMocks();
  await library?.close();
  await server?.close();
});

type Sdk = {
  connect(): Promise<void>;
  authorize(): Promise<unknown>;
  tools(): Promise<string[]>;
  spoilAccessToken(): void;
  opened(): URL[];
  clientId(): string;
  refreshToken(): Promise<string>;
  close(): Promise<void>;
};

const SDKS: [string, () => Sdk, typeof First | typeof Second][] = [
  [
    'the first SDK',
    () => {
      const sdk = mcpClient({ url: library.url, issuer: server.issuer, person: server.alex() });
      const refreshToken = async () => String(sdk.tokens().refresh_token);
      return { ...sdk, clientId: () => sdk.information().client_id, refreshToken };
    },
    First,
  ],
  [
    'the second SDK',
    () => {
      const sdk = secondMcpClient({ url: library.url, person: server.alex() });
      const refreshToken = async () => String((await sdk.tokens()).refresh_token);
      return { ...sdk, clientId: () => String(sdk.information()?.client_id), refreshToken };
    },
    Second,
  ],
];

const refresh = (client_id: string, refresh_token: string) =>
  server.post('/token', { grant_type: 'refresh_token', client_id, refresh_token });

describe.each(SDKS)('%s', (_name, make, Unauthorized) => {
  async function connected(): Promise<Sdk> {
    const sdk = make();
    await sdk.connect();
    expect(await sdk.tools()).toContain('search_books');
    return sdk;
  }

  /** Its next request finds out; it asks its person, and goes on. */
  async function asksAgain(sdk: Sdk): Promise<void> {
    sdk.spoilAccessToken();
    await expect(sdk.tools()).rejects.toThrow(Unauthorized);
    expect(sdk.opened()).toHaveLength(2);
    await sdk.authorize();
    expect(await sdk.tools()).toContain('search_books');
    await sdk.close();
  }

  test('asks its person again when they ended the connection, as the client that it was', async () => {
    const sdk = await connected();
    const before = sdk.clientId();
    await durably(server, (work) => server.rooms.grants.endAll(work, server.account.id, 'a test'));
    await asksAgain(sdk);
    expect(sdk.clientId()).toBe(before);
  });

  test('asks its person again when somebody else has used its refresh token', async () => {
    const sdk = await connected();
    const [id, stolen] = [sdk.clientId(), await sdk.refreshToken()];
    const next = (await refresh(id, stolen)).body.refresh_token;
    await refresh(id, next);
    expect((await refresh(id, stolen)).body.error).toBe('invalid_grant');
    await asksAgain(sdk);
    expect(sdk.clientId()).toBe(id);
  });

  test('registers again when its operator removed it', async () => {
    const sdk = await connected();
    const before = sdk.clientId();
    await durably(server, (work) => server.rooms.clients.remove(work, before));
    await asksAgain(sdk);
    expect(sdk.clientId()).not.toBe(before);
  });

  test('keeps everything while the database is away, and goes on when it is back, without its person', async () => {
    const sdk = await connected();
    const before = await sdk.refreshToken();
    sdk.spoilAccessToken();
    await expect(databaseAway(server, () => sdk.tools())).rejects.toThrow();
    expect([sdk.opened().length, await sdk.refreshToken()]).toEqual([1, before]);
    expect(await sdk.tools()).toContain('search_books');
    expect(sdk.opened()).toHaveLength(1);
    await sdk.close();
  });
});
