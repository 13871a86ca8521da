// A server that is killed at any moment and started again: nothing that was acknowledged is lost, nothing is half
// done, nothing is good twice, and whoever asks again is served. THREATS P01, P05, P30.

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Beside, beside } from '../support/beside.ts';
import { type Cardea, freePort, startCardea } from '../support/cardea.ts';
import { databases, type TestDatabase } from '../support/databases.ts';
import { broken } from '../support/invariants.ts';
import { basicConfig } from '../support/server.ts';
import { honestClient } from './client.ts';
import { BOOT_POINTS, POINTS, type Point } from './points.ts';

const long = process.env['CARDEA_LONG'] !== undefined;
const DEATHS = Number(process.env['CARDEA_TEST_DEATHS'] ?? (long ? 500 : 15)); // of each database
const LANES = 3;
// A death that does not come by itself (a rotation that is not due) comes from outside.
const LONGEST_LIFE = 4_000;
const ALEX = { username: 'alex', password: 'correct horse battery' };
const preload = `--import=${new URL('./death.ts', import.meta.url)}`;

/** The same numbers for the same seed: a failure says which. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe.each(databases)('on %s', (name, make) => {
  let database: TestDatabase;
  let eyes: Beside;
  let dir: string;
  let port: number;
  beforeAll(async () => {
    database = await make();
    dir = await mkdtemp(join(tmpdir(), 'cardea-crash-'));
    port = await freePort();
  }, 60_000);
  afterAll(async () => {
    await eyes?.close();
    await database?.remove();
    await rm(dir, { recursive: true, force: true });
  });

  const start = (death?: string): Promise<Cardea> =>
    startCardea({
      ...{ dir, port, config: basicConfig, database: database.url },
      env: death ? { CARDEA_TEST_DEATH: death, NODE_OPTIONS: preload } : {},
    });

  it('a server that dies during its first starts begins where it was', async () => {
    let died = 0;
    for (let n = 1; ; n += n < 4 ? 1 : 9) {
      const point = BOOT_POINTS[died % BOOT_POINTS.length];
      const server = await start(`${point} ${point === BOOT_POINTS[1] ? Math.ceil(n / 9) : n}`).catch(
        (error: Error) => error,
      );
      if (server instanceof Error) {
        expect(server.message).toContain('died: boot');
        died += 1;
        continue;
      }
      await server.stop('SIGKILL');
      break;
    }
    expect(died).toBeGreaterThan(3);
    const server = await start();
    await server.addAccount(ALEX.username, ALEX.password);
    eyes = await beside(database.url);
    expect(await broken(eyes)).toEqual([]);
    await server.stop();
  }, 120_000);

  /** What is due becomes due, and there is something to sweep. */
  async function timePasses(): Promise<void> {
    await eyes.all('UPDATE signing_keys SET changed_at = changed_at - 8000000000');
    const id = randomBytes(8).toString('hex');
    for (const n of [1, 2, 3]) {
      await eyes.all(
        `INSERT INTO artifacts (key, model, payload, expires_at) VALUES ('${id}${n}', 'Interaction', '{}', 1)`,
      );
    }
  }

  it(
    `killed ${DEATHS} times at named moments, it keeps its word`,
    async () => {
      const seed = Number(process.env['CARDEA_TEST_SEED'] ?? Date.now() % 1_000_000);
      const random = numbers(seed);
      const issuer = `http://127.0.0.1:${port}`;
      const clients = Array.from({ length: LANES }, (_, lane) => honestClient(issuer, ALEX, `Lane ${lane}`));
      const diedAt = new Map<string, number>();
      for (let death = 0; death < DEATHS; death += 1) {
        const point: Point = POINTS[death % POINTS.length] ?? 'anywhere';
        const nth = /sweep|rotation/.test(point) ? 1 + (death % 2) : 1 + Math.floor(random() * 12);
        const told = `seed ${seed}, death ${death} (${point} ${nth}) on ${name}`;
        const server = await start(`${point} ${nth}`);
        await Promise.all(clients.map((client) => client.recover())).catch((error: Error) => {
          throw new Error(`${told}: ${error.message}\n${server.log()}`, { cause: error });
        });
        expect(await broken(eyes), told).toEqual([]);
        await timePasses();
        process.kill(server.pid ?? 0, 'SIGUSR2');
        const over = new AbortController();
        const longest = point === 'anywhere' ? random() * 400 : LONGEST_LIFE;
        const fromOutside = wait(longest, undefined, over).then(
          () => process.kill(server.pid ?? 0, 'SIGKILL'),
          () => {},
        );
        await Promise.all(clients.map((client) => client.live(random)))
          .catch((error: Error) => {
            throw new Error(`${told}: ${error.message}\n${server.log()}`, { cause: error });
          })
          .finally(() => over.abort());
        await Promise.all([server.ended, fromOutside]);
        const where = /^died: (.*)$/m.exec(server.log())?.[1] ?? 'from outside';
        diedAt.set(where, (diedAt.get(where) ?? 0) + 1);
        expect(server.log(), told).not.toMatch(/"level":"(error|fatal)"/);
      }
      const server = await start();
      for (const client of clients) await client.recover();
      expect(await broken(eyes)).toEqual([]);
      expect(await server.stop()).toBe(0);
      if (long)
        process.stderr.write(`${name}, seed ${seed}: ${JSON.stringify(Object.fromEntries(diedAt))}\n`);
      // A moment that never came proves nothing about it.
      if (DEATHS >= POINTS.length) {
        for (const point of POINTS) if (point !== 'anywhere') expect([...diedAt.keys()]).toContain(point);
      }
    },
    DEATHS * 12_000,
  );
});
