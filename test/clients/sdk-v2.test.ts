import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { libraryResource } from '../../examples/library/resource.ts';
import { startLibrary } from '../../examples/library/server.ts';
import { freePort } from '../support/cardea.ts';
import { type SecondOptions, secondMcpClient } from '../support/client-mcp-v2.ts';
import { documentHost, testDoor } from '../support/documents.ts';
import { type Server, startServer } from '../support/server.ts';

const secret = 'library-secret-of-a-test-library-secret';

describe('the second official SDK client', () => {
  let server: Server;
  let library: Awaited<ReturnType<typeof startLibrary>>;
  let documents: Awaited<ReturnType<typeof documentHost>>;

  beforeAll(async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/mcp`;
    documents = await documentHost();
    server = await startServer({
      config: { resources: [libraryResource(url, secret)] },
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
});
