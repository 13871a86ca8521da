// Starts what is measured, each as a process of its own on a loopback port and in a directory of its own, and stops it.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ACCOUNT, RESOURCE, RESOURCE_SERVER, SCOPE } from './world.ts';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export type Server = {
  name: string;
  origin: string;
  pid: number;
  /** Milliseconds from the start of the process to its ready line. */
  readyAfter: number;
  stop(): Promise<void>;
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function start(name: string, script: string[], env: Record<string, string>): Promise<Server> {
  const port = await freePort();
  const begun = performance.now();
  const child = spawn(process.execPath, script, {
    env: { ...process.env, NODE_ENV: 'production', CARDEA_PORT: String(port), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (piece: Buffer) => {
    said = (said + piece.toString()).slice(-2000);
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => / ready /.test(line) && resolve());
    child.once('error', reject);
    ended.then(() => reject(new Error(`${name} ended before it was ready\n${said}`)));
  });
  return {
    name,
    origin: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    readyAfter: performance.now() - begun,
    async stop(): Promise<void> {
      child.kill();
      await ended;
    },
  };
}

/** One server whose only scope everybody has, and codes that can be made ahead. */
export const cardeaConfig = (format: 'opaque' | 'jwt') => ({
  resources: [
    {
      uri: RESOURCE,
      name: 'Bench',
      token: { format, algorithm: 'ES256', lifetime: '1h' },
      server: { id: RESOURCE_SERVER.id, secret: RESOURCE_SERVER.secret },
      scopes: [
        {
          name: SCOPE,
          description: 'Use the tools',
          default: true,
          tools: [{ name: 'search', description: 'Search', effect: 'read' }],
        },
      ],
    },
  ],
  lifetimes: { authorization_code: '10m' }, // codes are made ahead of the exchange that is measured
  limits: { sign_ins: 0, registrations: 0, authorizations: 0 },
});

/** Cardea as an operator starts it, on a database that is there: `readyAfter` is that of a restart. */
export async function startCardea(
  name: string,
  format: 'opaque' | 'jwt',
  directory: string,
): Promise<Server> {
  const data = join(directory, name.replaceAll(' ', '-'));
  const env = { CARDEA_DATA: data, CARDEA_CONFIG: join(data, 'cardea.yaml'), DATABASE_URL: '' };
  mkdirSync(data, { recursive: true });
  writeFileSync(env.CARDEA_CONFIG, JSON.stringify(cardeaConfig(format))); // JSON is YAML
  const add = ['account', 'add', ACCOUNT.username, '--password-stdin'];
  const added = spawnSync(process.execPath, [file('../src/main.ts'), ...add], {
    input: ACCOUNT.password,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  if (added.status !== 0) throw new Error(`no account could be made\n${added.stderr}`);
  return start(name, [file('../src/main.ts'), 'serve'], env);
}

/** A plain oidc-provider with an adapter over SQLite, the way its documentation leads to. */
export const startAlternative = (directory: string): Promise<Server> =>
  start('oidc-provider', [file('alternative.ts')], { DATABASE: join(directory, 'alternative.db') });

/** Koa with one middleware that sends a document: the least that an answer can cost here. */
export const startBare = (): Promise<Server> => start('bare Koa', [file('bare.ts')], {});
