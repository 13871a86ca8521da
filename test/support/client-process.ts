// Runs somebody else's client as a process without a screen: what it prints can be waited for, and the browser
// it tries to open is a program that does nothing. Knows no particular client.

import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of an installed package, by its path under node_modules. */
export const packaged = (path: string): string =>
  fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url));

const openers = ['xdg-open', 'open', 'gio', 'x-www-browser', 'sensible-browser'];

/** A home of its own and an environment in which opening a browser succeeds and does nothing. */
export const headlessHome = async () => {
  const home = await mkdtemp(join(tmpdir(), 'cardea-client-'));
  const bin = join(home, 'bin');
  await mkdir(bin);
  for (const name of openers) {
    await writeFile(join(bin, name), '#!/bin/sh\nexit 0\n');
    await chmod(join(bin, name), 0o755);
  }
  const env: Record<string, string> = {
    HOME: home,
    PATH: `${bin}:${process.env.PATH ?? ''}`,
    BROWSER: join(bin, 'open'),
    NO_COLOR: '1',
  };
  return { home, env, remove: () => rm(home, { recursive: true, force: true }) };
};

/** `node script …args`, with nothing inherited but what `env` says. */
export const startClient = (
  script: string,
  args: string[],
  { env, cwd }: { env: Record<string, string>; cwd: string },
) => {
  const child = spawn(process.execPath, [script, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let output = '';
  const waiting = new Set<() => void>();
  const took = (text: string): void => {
    output += text;
    for (const look of waiting) look();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    took(text);
  });
  child.stderr.setEncoding('utf8').on('data', took);
  const ended = new Promise<number>((resolve) => {
    child.once('error', () => resolve(-1));
    child.once('close', (code) => resolve(code ?? -1));
  });

  return {
    /** What it printed to stdout; `output()` has stderr as well. */
    stdout: (): string => stdout,
    output: (): string => output,
    /** The exit code. */
    ended,
    /** Waits until what was printed matches; rejects with all of it when the process ends first. */
    printed: (pattern: RegExp): Promise<RegExpExecArray> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(output);
          if (!match) return;
          waiting.delete(look);
          resolve(match);
        };
        waiting.add(look);
        look();
        void ended.then((code) =>
          reject(new Error(`ended with ${code} before it printed ${pattern}:\n${output}`)),
        );
      }),
    stop: async (): Promise<void> => {
      child.kill();
      await ended;
    },
  };
};

/** Brings a callback to the client that listens for it, as the browser would; throws unless it is taken. */
export const deliver = async (callback: string): Promise<string> => {
  const response = await fetch(callback);
  const text = await response.text();
  if (!response.ok) throw new Error(`the client's callback answered ${response.status}: ${text}`);
  return text;
};
