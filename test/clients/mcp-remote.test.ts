import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ProtectedLibrary, protectedLibrary } from '../support/client-library.ts';
import { deliver, headlessHome, packaged } from '../support/client-process.ts';

const proxy = packaged('mcp-remote/dist/proxy.js');

describe('mcp-remote', () => {
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

  /** Starts the proxy and a session through it; `onUrl` is given the address that it wants opened. */
  const session = async (onUrl: (url: string) => Promise<unknown>) => {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [proxy, library.url, '--transport', 'http-only'],
      env: { ...home.env, MCP_REMOTE_CONFIG_DIR: home.home },
      cwd: home.home,
      stderr: 'pipe',
    });
    let log = '';
    let opened: Promise<unknown> | undefined;
    const failed = new Promise<never>((_, reject) => {
      transport.stderr?.on('data', (chunk: Buffer) => {
        log += chunk.toString();
        const url = /visiting:\s+(https?:\/\/\S+)\s/.exec(log)?.[1];
        if (url && !opened) {
          opened = onUrl(url);
          opened.catch(reject);
        }
      });
    });
    const client = new Client({ name: 'stdio-host', version: '1.0.0' });
    try {
      await Promise.race([client.connect(transport), failed]);
    } catch (error) {
      await client.close();
      throw new Error(`mcp-remote did not connect: ${log}`, { cause: error });
    }
    return { client, log: () => log, asked: () => opened !== undefined };
  };

  test('signs in, lists the tools and calls one', async () => {
    const { client } = await session(async (url) => deliver(await library.alex().approve(url)));
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('search_books');
    const result = await client.callTool({ name: 'search_books', arguments: { query: 'whale' } });
    expect(JSON.stringify(result.content)).toMatch(/Moby/);
    await client.close();
  });

  test('a second start uses what the first one stored', async () => {
    const { client, asked } = await session(async (url) => {
      throw new Error(`asked for another sign-in at ${url}`);
    });
    expect((await client.listTools()).tools.length).toBeGreaterThan(0);
    expect(asked()).toBe(false);
    await client.close();
  });
});
