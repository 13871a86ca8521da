import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ProtectedLibrary, protectedLibrary } from '../support/client-library.ts';
import { deliver, headlessHome, packaged, startClient } from '../support/client-process.ts';
import { documentHost } from '../support/documents.ts';
import { caFile } from '../support/tls.ts';

const inspector = packaged('@modelcontextprotocol/inspector/clients/launcher/build/index.js');

describe('the MCP Inspector', () => {
  let library: ProtectedLibrary;
  let home: Awaited<ReturnType<typeof headlessHome>>;

  beforeAll(async () => {
    library = await protectedLibrary([], { NODE_EXTRA_CA_CERTS: caFile });
    home = await headlessHome();
  });

  afterAll(async () => {
    await library?.stop();
    await home?.remove();
  });

  const run = (...args: string[]) => {
    const env = {
      ...home.env,
      MCP_STORAGE_DIR: home.home,
      MCP_INSPECTOR_SECRET_STORE: 'file',
      // Without a terminal it refuses to sign in, unless told that a browser can be opened.
      MCP_AUTO_OPEN_ENABLED: 'true',
    };
    return startClient(inspector, ['--cli', ...args, '--transport', 'http', '--format', 'json'], {
      env,
      cwd: home.home,
    });
  };

  const callback = ['--callback-url', 'http://127.0.0.1:0/oauth/callback'];

  /** What it keeps of its tokens, with `change` put over it. */
  const stored = async (change: Record<string, string> = {}) => {
    const file = join(home.home, 'secrets.json');
    const kept = JSON.parse(await readFile(file, 'utf8')) as { secrets: Record<string, string> };
    const name = Object.keys(kept.secrets).find((each) => each.includes(`:tokens:${library.issuer}`)) ?? '';
    const tokens = JSON.parse(kept.secrets[name] ?? '{}') as Record<string, string>;
    kept.secrets[name] = JSON.stringify({ ...tokens, ...change });
    await writeFile(file, JSON.stringify(kept));
    return { access: String(tokens['access_token']), refresh: String(tokens['refresh_token']) };
  };

  test('signs in and lists the tools', async () => {
    const listing = run(library.url, '--method', 'tools/list', ...callback);
    const [, url = ''] = await listing.printed(/navigate to: (https?:\/\/\S+)/);
    await deliver(await library.alex().approve(url));
    expect(await listing.ended, listing.output()).toBe(0);
    expect(listing.stdout()).toContain('search_books');
  });

  test('comes back with what it stored, without asking the person', async () => {
    const before = ['--use-stored-auth', '--stored-auth-only', '--server-url', library.url];
    const calling = run(
      ...before,
      '--method',
      'tools/call',
      '--tool-name',
      'search_books',
      '--tool-args-json',
      '{"query":"whale"}',
    );
    expect(await calling.ended, calling.output()).toBe(0);
    expect(calling.stdout()).toMatch(/Moby/);
  });

  test('refreshes a token that is no longer taken, without asking the person', async () => {
    const before = await stored({ access_token: 'spoilt' });
    const listing = run(library.url, '--method', 'tools/list', ...callback);
    expect(await listing.ended, listing.output()).toBe(0);
    expect(listing.output()).not.toContain('navigate to:');
    expect((await stored()).refresh).not.toBe(before.refresh);
  });

  // It would revoke what it had (RFC 7009) if it had kept the server's metadata by itself; 2.12.0 does not.
  test('a new login forgets what it had and asks the person again', async () => {
    const before = await stored();
    const again = run(library.url, '--relogin', '--method', 'tools/list', ...callback);
    const [, url = ''] = await again.printed(/navigate to: (https?:\/\/\S+)/);
    await deliver(await library.alex().approve(url));
    expect(await again.ended, again.output()).toBe(0);
    const now = await stored();
    expect(now.refresh).not.toBe(before.refresh);
    expect(await library.active(now.access)).toBe(true);
  });

  test('is known by its metadata document, without registering', async () => {
    const documents = await documentHost('localhost');
    try {
      const document = documents.publish('/inspector.json', {
        client_name: 'MCP Inspector',
        redirect_uris: ['http://127.0.0.1/oauth/callback'],
      });
      const by = ['--relogin', '--client-metadata-url', document, ...callback];
      const listing = run(library.url, '--method', 'tools/list', ...by);
      const [, url = ''] = await listing.printed(/navigate to: (https?:\/\/\S+)/);
      expect(new URL(url).searchParams.get('client_id')).toBe(document);
      await deliver(await library.alex().approve(url));
      expect(await listing.ended, listing.output()).toBe(0);
      expect(listing.stdout()).toContain('search_books');
    } finally {
      await documents.close();
    }
  });
});
