import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cardea, startCardea } from '../support/cardea.ts';
import { CLIENT, company } from '../support/upstream-company.ts';

// Every command is a process of its own, and the machine that runs this may be busy.
const PATIENCE = 120_000;

let cardea: Cardea;
let acme: Awaited<ReturnType<typeof company>>;
let dir: string;
beforeAll(async () => {
  acme = await company('http://127.0.0.1:1/callback');
  dir = await mkdtemp(join(tmpdir(), 'cardea-upstream-'));
  const declared = { name: 'declared', kind: 'oidc', label: 'Declared', issuer: acme.issuer };
  const upstreams = [{ ...declared, client_id: CLIENT.id, client_secret: 'another-secret-than-theirs-0001' }];
  cardea = await startCardea({ config: { upstreams } });
}, PATIENCE);
afterAll(async () => {
  await cardea?.stop();
  await acme?.close();
  await rm(dir, { recursive: true, force: true });
});

const json = async (...args: string[]) => {
  const { stdout, stderr, code } = await cardea.cli(['upstream', ...args, '--json']);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Record<string, unknown>;
};

test(
  'an upstream is added, tested in words, listed without its secret, and removed',
  async () => {
    const file = join(dir, 'secret');
    const secret = CLIENT.secret.replaceAll(' ', '_');
    await writeFile(file, `${secret}\n`);
    const said = ['--kind', 'oidc', '--label', 'Acme', '--issuer', acme.issuer, '--client-id', CLIENT.id];
    expect(await json('add', 'acme', ...said, '--client-secret-file', file)).toEqual({
      name: 'acme',
      kind: 'oidc',
      redirect_uri: `${cardea.issuer}/upstream/acme/callback`,
    });
    const listed = await cardea.cli(['upstream', 'list', '--json']);
    expect(listed.stdout).toContain('"credential":"secret"');
    expect(listed.stdout).not.toContain(secret);
    const wrong = await cardea.cli(['upstream', 'test', 'acme']);
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toMatch(
      /^ok {5}It publishes its metadata[\s\S]*^WRONG {2}It does not accept the client/m,
    );
    expect(wrong.stdout + wrong.stderr).not.toContain(secret);
    expect(await json('remove', 'acme')).toEqual({ name: 'acme', removed: true });
  },
  PATIENCE,
);

test(
  'what is declared, misspelt or incomplete is refused in words',
  async () => {
    for (const [args, words] of [
      [['remove', 'declared'], /declared in the configuration file/],
      [['remove', 'nobody'], /no upstream "nobody"/],
      [['test', 'nobody'], /no upstream "nobody"/],
      [['add', 'x', '--kind', 'oidc', '--label', 'X', '--client-id', 'x'], /issuer is missing/],
      [['add', 'X!', '--kind', 'key', '--label', 'X'], /name may hold only small letters/],
      [
        ['add', 'x', '--kind', 'entra', '--label', 'X', '--client-id', 'x', '--tenant', 'common'],
        /tenant is not the id/,
      ],
    ] as const) {
      const ran = await cardea.cli(['upstream', ...args]);
      expect([ran.code, ran.stderr]).toEqual([1, expect.stringMatching(words)]);
    }
  },
  PATIENCE,
);
