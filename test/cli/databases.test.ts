import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cardea, startCardea } from '../support/cardea.ts';
import { postgresServer, type TestDatabase } from '../support/databases.ts';

// Every command is a process of its own, and the machine that runs this may be busy.
const PATIENCE = 180_000;

let dir: string;
let postgres: TestDatabase;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cardea-databases-'));
  postgres = await postgresServer();
}, PATIENCE);
afterAll(async () => {
  await postgres?.remove();
  await rm(dir, { recursive: true, force: true });
});

test(
  'a database is backed up while the server runs, restored, and moved to PostgreSQL with its keys',
  async () => {
    const first = await startCardea({ config: {}, dir });
    await first.addAccount('robin', 'a long password of robin');
    const published = (await (await fetch(`${first.issuer}/jwks`)).json()) as object;
    const run = async (cardea: Cardea, ...args: string[]) => {
      const { code, stdout, stderr } = await cardea.cli([...args, '--json']);
      expect([code, stderr]).toEqual([0, '']);
      return JSON.parse(stdout) as Record<string, unknown>[] & Record<string, unknown>;
    };
    const copy = join(dir, 'copy.db');
    await run(first, 'backup', copy);
    await first.addAccount('kim', 'a long password of kim');
    const busy = await first.cli(['restore', copy, '--force']);
    expect([busy.code, busy.stderr]).toEqual([1, expect.stringContaining('Stop the server first')]);
    await first.stop();

    const refused = await first.cli(['restore', copy]);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--force')]);
    const told = await first.cli(['restore', copy, '--force']);
    expect([told.code, told.stdout]).toEqual([0, expect.stringContaining('live again')]);
    expect((await run(first, 'account', 'list')).map(({ username }) => username)).toEqual(['robin']);
    expect(await run(first, 'restore', copy, '--force', '--end-after-backup')).toMatchObject({
      ended: { grants: 0, families: 0 },
    });

    const address = join(dir, 'address');
    await writeFile(address, `${postgres.url}\n`, { mode: 0o600 });
    const moved = await run(first, 'move', '--to-file', address);
    expect(moved.find(({ table }) => table === 'accounts')).toMatchObject({ rows: 1 });
    const again = await first.cli(['move', '--to-file', address]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('not empty')]);

    const second = await startCardea({ config: {}, dir, database: postgres.url });
    expect(await (await fetch(`${second.issuer}/jwks`)).json()).toEqual(published);
    expect((await second.cli(['backup', join(dir, 'other.db')])).stderr).toContain('pg_dump');
    await second.stop();
  },
  PATIENCE,
);
