// Where the key-encryption keys come from: the configuration, a command that asks whoever keeps them, or a file made on
// the first run. Nothing that a key passes through here is logged.

import { execFile } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Config } from '../config.ts';
import { type KeyRing, random, type SealingKey, sealingKey } from '../crypto.ts';
import { Refusal } from '../errors.ts';

const run = promisify(execFile);
const COMMAND_LIMIT = 10_000;

/** Runs `command` in a shell; its output is the key. Its errors are its own to log: they may quote what they handle. */
async function fromCommand(command: string): Promise<SealingKey> {
  const refused = (what: string): Refusal =>
    new Refusal(`CARDEA_KEY_COMMAND ${what}.`, {
      reason: 'key_command_failed',
      status: 503,
      hint: 'It must print 32 bytes in base64url, and nothing else, within 10 seconds.',
    });
  const limits = { timeout: COMMAND_LIMIT, killSignal: 'SIGKILL', maxBuffer: 4_096 } as const;
  const { stdout } = await run('/bin/sh', ['-c', command], limits).catch((error: unknown) => {
    const { code } = error as { code?: unknown };
    // The error itself holds what was printed, so it is no cause.
    throw refused(typeof code === 'number' ? `ended with ${code}` : 'did not end, or printed too much');
  });
  try {
    return sealingKey(stdout.trim().replace(/=$/, ''));
  } catch {
    throw refused('did not print a key');
  }
}

/** The key kept in the data directory, made on the first run. */
function fromDirectory(directory: string): SealingKey {
  const file = join(directory, 'cardea.key');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    // `wx`: of two processes starting at once, one makes the key and the other reads it
    const handle = openSync(file, 'wx', 0o600);
    writeFileSync(handle, `${random()}\n`);
    closeSync(handle);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return sealingKey(readFileSync(file, 'utf8'));
}

/** Throws a Refusal when the command does not give a key. */
export async function keyRing({
  key,
  keyCommand,
  previousKeys,
  data,
}: Pick<Config, 'key' | 'keyCommand' | 'previousKeys' | 'data'>): Promise<KeyRing> {
  const current = key
    ? sealingKey(key.reveal())
    : keyCommand
      ? await fromCommand(keyCommand)
      : fromDirectory(data);
  return { current, previous: previousKeys.map((each) => sealingKey(each.reveal())) };
}
