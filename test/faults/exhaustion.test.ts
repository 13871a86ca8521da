// A server that may open no more files, or hold no more memory: it turns away whoever comes too many, and nothing else
// happens to anybody. THREATS P11.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect as dial, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Beside, beside } from '../support/beside.ts';
import { databases, type TestDatabase } from '../support/databases.ts';
import { CALLBACK, connect } from '../support/flow.ts';
import { broken } from '../support/invariants.ts';
import { type Remote, remote } from './remote.ts';
import { traffic } from './traffic.ts';

/** Connections that say nothing, and come again when they are closed. */
function crowd(port: number, most: number) {
  const open = new Set<Socket>();
  let closed = 0;
  let over = false;
  function enter(): void {
    if (over) return;
    const socket = dial(port, '127.0.0.1');
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      open.delete(socket);
      closed += 1;
      setTimeout(enter, 20);
    });
  }
  for (let n = 0; n < most; n += 1) enter();
  return {
    /** How many were turned away so far. */
    turnedAway: (): number => closed,
    leave(): void {
      over = true;
      for (const socket of open) socket.destroy();
    },
  };
}

describe.each(databases)('on %s', (name, make) => {
  let dir: string;
  let database: TestDatabase;
  let eyes: Beside;
  let server: Remote;
  let known = false;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'cardea-exhaustion-'));
    database = await make();
  });
  afterEach(async () => {
    expect(await broken(eyes).finally(eyes.close)).toEqual([]);
    expect(await server.cardea.stop()).toBe(0);
  });
  afterAll(async () => {
    await database.remove();
    rmSync(dir, { recursive: true, force: true });
  });
  const start = async (env: Record<string, string> = {}): Promise<void> => {
    server = await remote({ dir, database: database.url, env }, known);
    known = true;
    eyes = await beside(database.url);
  };

  // elsewhere nobody can say what a process may have that runs already
  it.runIf(process.platform === 'linux')(
    'who finds no file left is turned away, and whoever is inside is served or told to come back',
    async () => {
      await start();
      const lanes = await traffic(server, 3, { turnedAway: true });
      const { pid, port } = server.cardea;
      const files = readdirSync(`/proc/${pid}/fd`).length;
      execFileSync('prlimit', ['--pid', String(pid), `--nofile=${files + 20}`]);
      const outside = crowd(port, 100);
      await lanes.during(async () => {
        for (let turn = 0; turn < 8; turn += 1) {
          const [turned, { served }] = [outside.turnedAway(), lanes.told];
          // a connection to the database that breaks now cannot be made again
          if (name === 'PostgreSQL')
            await eyes.all(
              'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
            );
          await expect.poll(outside.turnedAway, { timeout: 10_000 }).toBeGreaterThan(turned + 20);
          if (name === 'SQLite') await expect.poll(() => lanes.told.served).toBeGreaterThan(served);
        }
        outside.leave();
      });
      await lanes.recovers();
      await connect(server, { by: server.alex() });
    },
  );

  it('64 MiB for everything it holds are enough for many who say as much as they may', async () => {
    await start({ NODE_OPTIONS: '--max-old-space-size=64' });
    const lanes = await traffic(server, 4);
    const much = { redirect_uris: [CALLBACK], client_name: 'x'.repeat(55_000) };
    await lanes.during(async () => {
      for (let round = 0; round < 3; round += 1) {
        const answers = await Promise.all(Array.from({ length: 40 }, () => server.json('/register', much)));
        for (const { status, body } of answers)
          expect([status, body.error_description]).toEqual([201, undefined]);
      }
    });
    await lanes.recovers();
    expect(lanes.told.later).toBe(0);
  });
});
