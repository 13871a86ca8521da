import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ProtectedLibrary, protectedLibrary } from '../support/client-library.ts';
import { mcpClient } from '../support/client-mcp.ts';
import { toolsOn } from '../support/person-tools.ts';

const declared = {
  id: 'declared-client',
  name: 'Declared client',
  redirect_uris: ['http://127.0.0.1/callback'],
  secret: 'a-secret-for-the-declared-client-of-this-test',
};

describe('the official SDK client', () => {
  let library: ProtectedLibrary;

  beforeAll(async () => {
    library = await protectedLibrary([declared]);
  });

  afterAll(() => library?.stop());

  const client = (options: Partial<Parameters<typeof mcpClient>[0]> = {}) =>
    mcpClient({ url: library.url, issuer: library.issuer, person: library.alex(), ...options });

  test('finds the server, registers itself, signs in and calls a tool', async () => {
    const sdk = client();
    await sdk.connect();
    expect(sdk.challenges[0]?.status).toBe(401);
    expect(sdk.information().client_id).toBeTruthy();
    expect(await sdk.tools()).toContain('search_books');
    const result = await sdk.call('search_books', { query: 'whale' });
    expect(JSON.stringify(result.content)).toMatch(/Moby/);
    await sdk.close();
  });

  test('refreshes when its access token is no longer taken, and the refresh token rotates', async () => {
    const sdk = client();
    await sdk.connect();
    const before = sdk.tokens();
    sdk.spoilAccessToken();
    await sdk.tools();
    expect(sdk.opened()).toHaveLength(1);
    expect(sdk.tokens().access_token).not.toBe(before.access_token);
    // OAuth 2.1 §4.3.1: a public client's refresh token is used once.
    expect(sdk.tokens().refresh_token).not.toBe(before.refresh_token);
    await sdk.close();
  });

  test('a tool that the person left out is missing, refused, and allowed once the person adds it', async () => {
    const sdk = client();
    await sdk.connect({ untick: ['search_books'] });
    expect(await sdk.tools()).not.toContain('search_books');
    await expect(sdk.call('search_books', { query: 'whale' })).rejects.toThrow(UnauthorizedError);
    const refusal = sdk.challenges.at(-1);
    expect(refusal?.status).toBe(403);
    expect(refusal?.parameters).toMatchObject({ error: 'insufficient_scope' });
    // MCP 2026-07-28, step-up: the client asks for what it had and for what was missing.
    expect(refusal?.parameters.scope?.split(' ')).toContain('library:read');

    const shown: ReturnType<typeof toolsOn> = [];
    await sdk.stepUp({
      tick: ['search_books'],
      inspect: (html, kind) => {
        if (kind === 'consent') shown.push(...toolsOn(html));
      },
    });
    expect(shown.find(({ tool }) => tool === 'search_books')?.checked).toBe(false);
    expect(await sdk.tools()).toContain('search_books');
    const result = await sdk.call('search_books', { query: 'whale' });
    expect(JSON.stringify(result.content)).toMatch(/Moby/);
    await sdk.close();
  });

  test('a client declared with a secret signs in with client_secret_post on any loopback port', async () => {
    const sdk = client({
      information: {
        client_id: declared.id,
        client_secret: declared.secret,
        redirect_uris: declared.redirect_uris,
        token_endpoint_auth_method: 'client_secret_post',
      },
      // RFC 8252 §7.3: the port of a loopback redirect is the client's to choose.
      metadata: {
        redirect_uris: ['http://127.0.0.1:51763/callback'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    });
    await sdk.connect();
    expect(sdk.information().client_id).toBe(declared.id);
    expect(await sdk.tools()).toContain('search_books');
    await sdk.close();
  });

  test('a person who says no sends the client away with access_denied', async () => {
    const sdk = client();
    await expect(sdk.connect({ deny: true })).rejects.toThrow(/access_denied/);
  });
});
