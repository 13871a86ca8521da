// Starts a real Cardea process in a directory of its own and stops it. Owns the process and the directory;
// knows nothing of what is asked of it. Called by tests and by the demo.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export type Options = {
  /** What goes into the YAML configuration. */
  config?: Record<string, unknown>;
  env?: Record<string, string>;
  /** `DATABASE_URL`; unset means a SQLite file in the directory. */
  database?: string;
  /** Unset means a free one. */
  port?: number;
  /** A directory that outlives the process, for starting it again; unset means one that `stop` removes. */
  dir?: string;
  /** Milliseconds until the ready line must have come. */
  patience?: number;
  /** Given all of the log so far, whenever there is more of it. */
  hear?: (log: string) => void;
};

export type Ran = { stdout: string; stderr: string; code: number };

const tryPort = (port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(undefined));
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });

/** `preferred` when it is free on 127.0.0.1, else one that is. */
export const freePort = async (preferred = 0): Promise<number> => {
  const port = (await tryPort(preferred)) ?? (await tryPort(0));
  if (port === undefined) throw new Error('no free port on 127.0.0.1');
  return port;
};

const environment = (extra: Record<string, string | undefined>): NodeJS.ProcessEnv => {
  // Settings of the shell that runs the tests must not leak into the server under test.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('CARDEA_') && name !== 'DATABASE_URL' && !name.startsWith('VITEST'),
  );
  const added = Object.entries(extra).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(inherited), ...Object.fromEntries(added) };
};

/**
 * Runs `node src/main.ts serve` and waits for `cardea ready ISSUER`.
 * Rejects with what the process wrote to stderr when it ends first or takes too long.
 */
export const startCardea = async (options: Options = {}) => {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'cardea-')));
  const port = options.port ?? (await freePort());
  const config = join(dir, 'cardea.yaml');
  if (options.config) await writeFile(config, stringify(options.config), { mode: 0o600 });
  const env = environment({
    CARDEA_PORT: String(port),
    CARDEA_HOST: '127.0.0.1',
    CARDEA_CONFIG: options.config ? config : undefined,
    DATABASE_URL: options.database,
    ...options.env,
  });

  const child = spawn(process.execPath, [main, 'serve'], {
    cwd: dir,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    options.hear?.(stderr);
  });
  const ended = new Promise<number>((resolve) => {
    child.once('error', () => resolve(-1));
    child.once('close', (code, signal) => resolve(code ?? (signal ? 128 : -1)));
  });
  // A test that dies must not leave a server behind.
  const onExit = (): void => void child.kill('SIGKILL');
  process.once('exit', onExit);
  void ended.then(() => process.off('exit', onExit));

  const discard = async (): Promise<void> => {
    if (!options.dir) await rm(dir, { recursive: true, force: true });
  };

  const ready = new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      const line = /^cardea ready (\S+)$/m.exec(stdout);
      if (line?.[1]) resolve(line[1]);
    });
  });
  const late = AbortSignal.timeout(options.patience ?? 30_000);
  const issuer = await Promise.race([
    ready,
    ended.then((code) => `ended with ${code} before it was ready`),
    new Promise<string>((resolve) => {
      late.addEventListener('abort', () => resolve('took too long to be ready'));
    }),
  ]);
  if (!/^https?:/.test(issuer)) {
    child.kill('SIGKILL');
    await discard();
    throw new Error(`Cardea ${issuer}\n${stderr}${stdout}`);
  }

  const cli = (args: string[]): Promise<Ran> =>
    new Promise((resolve, reject) => {
      const command = spawn(process.execPath, [main, ...args], {
        cwd: dir,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const ran: Ran = { stdout: '', stderr: '', code: -1 };
      command.stdout.setEncoding('utf8').on('data', (text: string) => {
        ran.stdout += text;
      });
      command.stderr.setEncoding('utf8').on('data', (text: string) => {
        ran.stderr += text;
      });
      command.once('error', reject);
      command.once('close', (code) => resolve({ ...ran, code: code ?? -1 }));
    });

  return {
    issuer,
    dir,
    port,
    pid: child.pid,
    log: (): string => stderr,
    output: (): string => stdout,
    /** Resolves with the exit code when the process ends, whoever ended it. */
    ended,
    cli,
    /** An account that can sign in, made by the CLI while the server runs. */
    async addAccount(username: string, password: string, ...flags: string[]): Promise<void> {
      const file = join(dir, `${username}.password`);
      await writeFile(file, password, { mode: 0o600 });
      const ran = await cli(['account', 'add', username, '--password-file', file, ...flags]);
      await rm(file);
      if (ran.code !== 0)
        throw new Error(`account add ${username} ended with ${ran.code}: ${ran.stderr}${ran.stdout}`);
    },
    /** The process's exit code; 128 when a signal killed it. */
    async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
      child.kill(signal);
      const code = await ended;
      await discard();
      return code;
    },
  };
};

export type Cardea = Awaited<ReturnType<typeof startCardea>>;
