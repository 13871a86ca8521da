import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ProtectedLibrary, protectedLibrary } from '../support/client-library.ts';
import { deliver, headlessHome, packaged, startClient } from '../support/client-process.ts';

const inspector = packaged('@modelcontextprotocol/inspector/clients/launcher/build/index.js');

describe('the MCP Inspector', () => {
  let library: ProtectedLibrary;
  let home: Awaited<ReturnType<typeof headlessHome>>;

  beforeAll(async () => {
    library = await protectedLibrary();
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

  test('signs in and lists the tools', async () => {
    const callback = ['--callback-url', 'http://127.0.0.1:0/oauth/callback'];
    const listing = run(library.url, '--method', 'tools/list', ...callback);
    const [, url = ''] = await listing.printed(/navigate to: (https?:\/\/\S+)/);
    await deliver(await library.alex().approve(url));
    expect(await listing.ended, listing.output()).toBe(0);
    expect(listing.stdout()).toContain('search_books');
  });

  test('comes back with what it stored, without asking the person', async () => {
    const stored = ['--use-stored-auth', '--stored-auth-only', '--server-url', library.url];
    const calling = run(
      ...stored,
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
});
