import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Exchange } from '../examples/demo/transcript.ts';

const demo = fileURLToPath(new URL('../examples/demo.ts', import.meta.url));

type Ran = { code: number | null; output: string };

/** Runs the demo; `signal` is sent as soon as it says that it can be ended. */
const runDemo = (args: string[], signal?: NodeJS.Signals, more: NodeJS.ProcessEnv = {}): Promise<Ran> =>
  new Promise((resolve) => {
    const { DATABASE_URL: _, ...rest } = process.env;
    const env = { ...rest, ...more };
    const child = spawn(process.execPath, [demo, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const took = (text: string): void => {
      output += text;
      if (signal && output.includes('Ctrl-C')) child.kill(signal);
    };
    child.stdout.setEncoding('utf8').on('data', took);
    child.stderr.setEncoding('utf8').on('data', took);
    child.once('close', (code) => resolve({ code, output }));
  });

const occupy = (port: number) =>
  new Promise<ReturnType<typeof createServer>>((resolve) => {
    const server = createServer();
    // Somebody else may hold it already, which serves as well.
    server.once('error', () => resolve(server));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });

describe('the demo', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'cardea-demo-test-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test('checks itself from the first refusal to the last, and writes down every exchange', async () => {
    const file = join(dir, 'transcript.jsonl');
    const { code, output } = await runDemo(['--check', '--transcript', file]);
    expect(code, output).toBe(0);
    expect(output).toContain('Everything did what it should.');

    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    const exchanges = lines.map((line) => JSON.parse(line) as Exchange);
    expect(new Set(exchanges.map(({ from }) => from))).toEqual(new Set(['client', 'browser', 'mcp-server']));
    expect(exchanges.find(({ url }) => url.endsWith('/register'))?.status).toBe(201);
    const grantTypes = exchanges.map(({ requestBody }) => new URLSearchParams(requestBody).get('grant_type'));
    expect(grantTypes).toContain('authorization_code');
    expect(grantTypes).toContain('refresh_token');
    expect(grantTypes).toContain('urn:ietf:params:oauth:grant-type:token-exchange');
    expect(output).toContain('signs in with Acme');
  });

  test('that cannot begin says why, and ends', async () => {
    const { code, output } = await runDemo(['--check'], undefined, { DATABASE_URL: '/no/database' });
    expect(code).toBe(1);
    expect(output).toContain('is not a database address');
  });

  test('checks itself again while its ports are taken', async () => {
    const taken = await Promise.all([occupy(4000), occupy(4100)]);
    const { code, output } = await runDemo(['--check']);
    for (const server of taken) server.close();
    expect(code, output).toBe(0);
    expect(output).not.toMatch(/127\.0\.0\.1:4[01]00\b/);
  });

  test('waits for a person, and ends when it is interrupted', async () => {
    const { code, output } = await runDemo([], 'SIGINT');
    expect(code, output).toBe(0);
    expect(output).toMatch(/claude mcp add --transport http town-library http:\/\/127\.0\.0\.1:\d+\/mcp/);
    expect(output).toContain('npx mcp-remote');
  });
});
