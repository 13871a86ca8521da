import { ClientCredentialsProvider, DpopSession, PrivateKeyJwtProvider } from '@modelcontextprotocol/client';
import * as first from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { libraryResource } from '../../examples/library/resource.ts';
import { startLibrary } from '../../examples/library/server.ts';
import { freePort } from '../support/cardea.ts';
import { type SecondOptions, secondMcpClient } from '../support/client-mcp-v2.ts';
import { documentHost, testDoor } from '../support/documents.ts';
import { type Server, startServer } from '../support/server.ts';

const robot = { id: 'robot', secret: 'a-secret-of-the-robot-client-000001' };
const secret = 'library-secret-of-a-test-library-secret';

describe('the second official SDK client', () => {
  let server: Server;
  let library: Awaited<ReturnType<typeof startLibrary>>;
  let privateKey: Record<string, unknown>;
  let documents: Awaited<ReturnType<typeof documentHost>>;

  beforeAll(async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/mcp`;
    documents = await documentHost();
    const pair = await generateKeyPair('ES256', { extractable: true });
    privateKey = { ...(await exportJWK(pair.privateKey)) };
    const machine = {
      grant_types: ['client_credentials'],
      resources: [{ uri: url, scopes: ['library:read'] }],
    };
    const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'ES256' }] };
    server = await startServer({
      config: {
        resources: [libraryResource(url, secret)],
        clients: [
          { ...robot, name: 'Robot', ...machine },
          { id: 'signing-robot', name: 'Signing robot', jwks, ...machine },
        ],
      },
      outbound: testDoor(),
    });
    const introspection = { id: 'library-server', secret };
    library = await startLibrary({ port, issuer: server.issuer, resource: url, introspection });
  });

  afterAll(async () => {
    await library?.close();
    await server?.close();
    await documents?.close();
  });

  const client = (options: Partial<SecondOptions> = {}) =>
    secondMcpClient({ url: library.url, person: server.alex(), ...options });

  test('finds the server, registers itself, signs in and calls a tool', async () => {
    const sdk = client();
    await sdk.connect();
    expect(sdk.information()?.client_id).toBeTruthy();
    expect(await sdk.tools()).toContain('search_books');
    const result = await sdk.call('search_books', { query: 'whale' });
    expect(JSON.stringify(result.content)).toMatch(/Moby/);
    await sdk.close();
  });

  test('is known by its metadata document, without registering', async () => {
    const document = documents.publish('/second-sdk.json', { client_name: 'Second SDK' });
    const sdk = client({ document });
    await sdk.connect();
    expect(sdk.information()?.client_id).toBe(document);
    expect(sdk.opened()[0]?.searchParams.get('client_id')).toBe(document);
    expect(await sdk.tools()).toContain('search_books');
    await sdk.close();
  });

  test('refreshes when its access token is no longer taken, without asking the person', async () => {
    const sdk = client();
    await sdk.connect();
    const before = await sdk.tokens();
    sdk.spoilAccessToken();
    await sdk.tools();
    expect(sdk.opened()).toHaveLength(1);
    expect((await sdk.tokens()).refresh_token).not.toBe(before.refresh_token);
    await sdk.close();
  });

  test('binds its tokens to a key and proves it at both servers, also after a refresh', async () => {
    const dpop = await DpopSession.create();
    const sdk = client({ dpop });
    await sdk.connect();
    expect((await sdk.tokens()).token_type).toBe('DPoP');
    expect(await sdk.tools()).toContain('search_books');
    expect(sdk.sent.at(-1)?.get('authorization')).toMatch(/^DPoP /);
    expect(sdk.sent.at(-1)?.get('dpop')).toBeTruthy();
    const stolen = (await sdk.tokens()).access_token;
    const thief = await fetch(library.url, {
      method: 'POST',
      headers: { authorization: `Bearer ${stolen}` },
    });
    expect(thief.status).toBe(401);
    expect(thief.headers.get('www-authenticate')).toMatch(/^DPoP /);
    sdk.spoilAccessToken();
    expect(await sdk.tools()).toContain('search_books');
    expect((await sdk.tokens()).token_type).toBe('DPoP');
    await sdk.close();
  });

  test('acts for itself with a secret, and sees the tools of its ceiling', async () => {
    const expectedIssuer = server.issuer;
    const provider = new ClientCredentialsProvider({
      clientId: robot.id,
      clientSecret: robot.secret,
      expectedIssuer,
    });
    const sdk = secondMcpClient({ url: library.url, provider });
    await sdk.connect();
    const tools = await sdk.tools();
    expect(tools).toContain('search_books');
    expect(tools).not.toContain('borrow_book');
    await sdk.close();
  });

  test('acts for itself with a key (private_key_jwt)', async () => {
    const provider = new PrivateKeyJwtProvider({
      clientId: 'signing-robot',
      privateKey,
      algorithm: 'ES256',
      expectedIssuer: server.issuer,
    });
    const sdk = secondMcpClient({ url: library.url, provider });
    await sdk.connect();
    expect(await sdk.tools()).toContain('search_books');
    await sdk.close();
  });

  test('the first SDK acts for itself too, with a secret and with a key', async () => {
    const expectedIssuer = server.issuer;
    const providers = [
      new first.ClientCredentialsProvider({ clientId: robot.id, clientSecret: robot.secret, expectedIssuer }),
      new first.PrivateKeyJwtProvider({
        clientId: 'signing-robot',
        privateKey,
        algorithm: 'ES256',
        expectedIssuer,
      }),
    ];
    for (const authProvider of providers) {
      const sdk = new Client({ name: 'robot', version: '1.0.0' });
      await sdk.connect(
        new StreamableHTTPClientTransport(new URL(library.url), { authProvider }) as Transport,
      );
      expect((await sdk.listTools()).tools.map(({ name }) => name)).toContain('search_books');
      await sdk.close();
    }
  });
});
