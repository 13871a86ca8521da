// What an operator does beside traffic, and what the server does to itself: a backup, a stop, a sweep of much that has
// run out, and a bug in the middle of a request. THREATS M13, P22, P23, P24, P26.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Beside, beside } from '../support/beside.ts';
import { databases, sqliteFile, type TestDatabase } from '../support/databases.ts';
import { connect } from '../support/flow.ts';
import { broken } from '../support/invariants.ts';
import { type Remote, remote } from './remote.ts';
import { traffic } from './traffic.ts';

const preload = (name: string): Record<string, string> => ({
  NODE_OPTIONS: `--import=${new URL(name, import.meta.url)}`,
});

describe.each(databases)('on %s', (name, make) => {
  let database: TestDatabase;
  let eyes: Beside;
  let server: Remote | undefined;
  let dir: string;
  let known = false;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'cardea-beside-'));
    database = await make();
  });
  afterEach(async () => {
    await eyes.close();
    await server?.cardea.stop();
  });
  afterAll(async () => {
    await database.remove();
    rmSync(dir, { recursive: true, force: true });
  });
  const start = async (env: Record<string, string> = {}, port?: number): Promise<Remote> => {
    server = await remote({ dir, database: database.url, env, ...(port && { port }) }, known);
    known = true;
    eyes = await beside(database.url);
    return server;
  };

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s lets everybody who has begun finish, and what they were told is durable',
    async (signal) => {
      let running = await start();
      const held = await connect(running, { by: running.alex() });
      let token = held.tokens.refresh_token;
      const asked = Array.from({ length: 50 }, () => held.refresh(token));
      // one of them is in the middle of it
      await Promise.race(asked);
      const ended = running.cardea.stop(signal);
      const answers = await Promise.allSettled(asked);
      expect(await ended).toBe(0);
      const served = answers.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      expect(served.length).toBeGreaterThan(0);
      for (const { status, body } of served) {
        expect(status).toBe(200);
        token = body.refresh_token;
      }
      await expect(fetch(`${running.issuer}/ready`)).rejects.toThrow();
      await eyes.close();
      running = await start({}, running.cardea.port);
      const again = await held.refresh(token);
      expect([again.status, again.body.error_description]).toEqual([200, undefined]);
      expect(await broken(eyes)).toEqual([]);
    },
  );

  it('much that has run out is swept in small batches, and nobody waits for it', async () => {
    const running = await start(preload('hurry.ts'));
    const lanes = await traffic(running, 3);
    const id = randomBytes(6).toString('hex');
    const rows = (batch: number): string =>
      Array.from({ length: 400 }, (_, n) => `('${id}-${batch}-${n}', 'Interaction', '{}', 1)`).join(', ');
    for (let batch = 0; batch < 30; batch += 1) {
      await eyes.all(`INSERT INTO artifacts (key, model, payload, expires_at) VALUES ${rows(batch)}`);
    }
    const left = async (): Promise<number> =>
      Number((await eyes.all('SELECT count(*) AS n FROM artifacts WHERE expires_at = 1'))[0]?.['n']);
    await lanes.during(async () => {
      const { served } = lanes.told;
      await expect.poll(left, { timeout: 30_000 }).toBe(0);
      await expect.poll(() => lanes.told.served).toBeGreaterThan(served);
    });
    expect(lanes.told.later).toBe(0);
    await lanes.recovers();
    expect(await broken(eyes)).toEqual([]);
  });

  it('two processes sweep the same at once, beside traffic, and neither is in the way of anybody', async () => {
    const first = await start(preload('hurry.ts'));
    const { issuer } = first;
    const second = await remote(
      { dir, database: database.url, env: { ...preload('hurry.ts'), CARDEA_ISSUER: issuer } },
      true,
    );
    const lanes = await traffic(first, 2);
    const id = randomBytes(6).toString('hex');
    const overFor = async (ms: number, kind: string, rows: number): Promise<void> => {
      const at = Date.now() - ms;
      const values = Array.from(
        { length: rows },
        (_, n) => `('${id}-${kind}-${n}', 'Interaction', '{}', ${at})`,
      );
      await eyes.all(`INSERT INTO artifacts (key, model, payload, expires_at) VALUES ${values.join(', ')}`);
      const spent = values.map((_, n) => `('${id}-${kind}-${n}', ${at})`);
      await eyes.all(`INSERT INTO revoked_tokens (jti, expires_at) VALUES ${spent.join(', ')}`);
    };
    const left = async (kind: string): Promise<number> => {
      const rows = await eyes.all(
        `SELECT key FROM artifacts WHERE key LIKE '${id}-${kind}-%'
           UNION ALL SELECT jti FROM revoked_tokens WHERE jti LIKE '${id}-${kind}-%'`,
      );
      return rows.length;
    };
    try {
      await lanes.during(async () => {
        await overFor(10_000, 'just', 3);
        for (let batch = 0; batch < 20; batch += 1) await overFor(3_600_000, `long-${batch}`, 300);
        await expect.poll(() => left('long'), { timeout: 40_000 }).toBe(0);
      });
      // another process's clock may be behind: what it still takes for good must be known until then
      expect(await left('just')).toBe(6);
      expect(lanes.told.later).toBe(0);
      await lanes.recovers();
      for (const { cardea } of [first, second]) {
        expect(cardea.log()).not.toMatch(/"level":"(warn|error|fatal)"/);
        expect(cardea.log()).not.toMatch(/a background task failed/);
      }
      expect(await broken(eyes)).toEqual([]);
    } finally {
      expect(await second.cardea.stop()).toBe(0);
    }
  });

  it('a bug in a request is that request’s alone, wherever it is', async () => {
    const running = await start(preload('bug.ts'));
    const held = await connect(running, { by: running.alex() });
    let token = held.tokens.refresh_token;
    let bugs = 0;
    for (let n = 0; n < 12; n += 1) {
      // the n-th statement from now on is a bug
      process.kill(running.cardea.pid ?? 0, 'SIGUSR2');
      for (let tries = 0; tries < 30; tries += 1) {
        const { status, body } = await held.refresh(token);
        if (status === 200) token = body.refresh_token;
        else {
          expect([status, body.error]).toEqual([500, 'server_error']);
          expect(JSON.stringify(body)).not.toContain('a bug of the test');
          bugs += 1;
          break;
        }
      }
      const after = await held.refresh(token);
      expect([after.status, after.body.error_description]).toEqual([200, undefined]);
      token = after.body.refresh_token;
      expect((await fetch(`${running.issuer}/ready`)).status).toBe(200);
    }
    expect(bugs, name).toBeGreaterThan(3);
    expect(await broken(eyes)).toEqual([]);
  });
});

it('a backup made beside traffic is a whole database, and a server serves from it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'cardea-beside-'));
  const database = await sqliteFile();
  const server = await remote({ dir, database: database.url });
  const lanes = await traffic(server, 4);
  const copies = [1, 2, 3].map((n) => join(dir, `copy-${n}.db`));
  await lanes.during(async () => {
    for (const copy of copies) {
      const ran = await server.cardea.cli(['backup', copy]);
      expect([ran.code, ran.stderr]).toEqual([0, '']);
    }
  });
  await server.cardea.stop();
  for (const copy of copies) {
    const eyes = await beside(`sqlite:${copy}`);
    expect(await eyes.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    expect(await broken(eyes).finally(eyes.close)).toEqual([]);
  }
  const restored = await remote({ dir, database: `sqlite:${copies[2]}` }, true);
  await connect(restored, { by: restored.alex() });
  expect(await restored.cardea.stop()).toBe(0);
  await database.remove();
  rmSync(dir, { recursive: true, force: true });
});
