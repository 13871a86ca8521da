import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Cardea, startCardea } from '../support/cardea.ts';

// Every command is a process of its own, and the machine that runs this may be busy.
const PATIENCE = 120_000;

let dir: string;
let cardea: Cardea | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cardea-keys-'));
});
afterEach(async () => {
  await cardea?.stop();
  cardea = undefined;
  await rm(dir, { recursive: true, force: true });
});

const start = async (env: Record<string, string> = {}) => {
  cardea = undefined;
  cardea = await startCardea({ config: {}, dir, env });
  return cardea;
};
const withJson = async (...args: string[]): Promise<never> => {
  const { stdout, stderr, code } = (await cardea?.cli([...args, '--json'])) ?? expect.fail();
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as never;
};
const states = async () =>
  ((await withJson('keys', 'list')) as { state: string }[]).map(({ state }) => state).sort();

test(
  'a signing key is rotated beside a server that runs, which publishes it and does not let it sign too soon',
  async () => {
    const { issuer } = await start();
    expect(await withJson('keys', 'rotate')).toMatchObject([{ algorithm: 'ES256', step: 'published' }]);
    expect(await withJson('keys', 'rotate')).toMatchObject([{ step: 'waiting' }]);
    expect(await states()).toEqual(['current', 'next']);
    const published = async () => ((await (await fetch(`${issuer}/jwks`)).json()) as { keys: object[] }).keys;
    await expect.poll(published, { timeout: 8_000 }).toHaveLength(2);
    expect(await withJson('keys', 'rotate', '--now')).toMatchObject([{ step: 'moved' }]);
    expect(await states()).toEqual(['current', 'retired']);
    expect(await withJson('keys', 'rotate', '--now')).toMatchObject([{ step: 'moved' }]);
    expect((await cardea?.cli(['keys', 'list', '--json']))?.stdout).not.toMatch(/"d"|private/);
  },
  PATIENCE,
);

test(
  'a key of before opens what it sealed, and after a rewrap nothing needs it',
  async () => {
    const [old, fresh] = [0, 1].map(() => randomBytes(32).toString('base64url')) as [string, string];
    await start({ CARDEA_KEY: old });
    await cardea?.stop();
    await expect(start({ CARDEA_KEY: fresh })).rejects.toThrow(
      /not the one that its database was sealed with/,
    );
    await start({ CARDEA_KEY: fresh, CARDEA_KEY_PREVIOUS: old });
    expect(await withJson('keys', 'rewrap')).toEqual({ rewrapped: 2, already: 0, changedMeanwhile: 0 });
    await cardea?.stop();
    await start({ CARDEA_KEY: fresh });
  },
  PATIENCE,
);
