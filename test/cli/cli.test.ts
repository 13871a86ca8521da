import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cardea, startCardea } from '../support/cardea.ts';

let cardea: Cardea;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cardea-cli-'));
  cardea = await startCardea({ config: {}, dir });
});
afterAll(async () => {
  await cardea?.stop();
  await rm(dir, { recursive: true, force: true });
});

const cli = (...args: string[]) => cardea.cli(args);
const withJson = async (...args: string[]): Promise<never> => {
  const { stdout, stderr, code } = await cli(...args, '--json');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  return JSON.parse(stdout) as never;
};

describe('the command line', () => {
  test('says what there is, and what a command takes', async () => {
    const help = await cli('--help');
    expect(help.code).toBe(0);
    for (const name of [
      'serve',
      'check',
      'migrate',
      'resource',
      'client',
      'account',
      'grant',
      'keys',
      'audit',
    ])
      expect(help.stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect((await cli('account', 'add', '--help')).stdout).toContain('--password-file');
  });

  test.each([
    [[]],
    [['no-such-command']],
    [['account']],
    [['account', 'constructor']],
    [['account', 'add']],
    [['account', 'add', 'bo', '--no-such-option']],
    [['account', 'add', 'bo', 'surplus', '--password-stdin']],
    [['account', 'add', 'bo', '--password', 'on the line']],
    [['grant', 'revoke']],
    [['resource', 'add', 'https://x.example/mcp', '--name', 'X', '--tool', 'a/b=C']],
  ])('exits with 2 and the usage when it does not understand: %j', async (args) => {
    const { code, stderr, stdout } = await cli(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/Usage: cardea/);
  });

  test('serve writes one line to standard output, and the link for the first administrator elsewhere', async () => {
    expect(cardea.output()).toBe(`cardea ready ${cardea.issuer}\n`);
    const link = /http:\/\/\S+\/setup\/\S+/.exec(cardea.log())?.[0] ?? '';
    expect((await fetch(link)).status).toBe(200);
  });
});

describe('the audit record', () => {
  test('is listed, newest first, and found by the reference that an error page names', async () => {
    await cardea.addAccount('Quinn', 'a long password of quinn');
    const [latest]: { action: string }[] = await withJson('audit', 'list', '--limit', '1');
    expect(latest?.action).toBe('account.added');
    expect((await cli('audit', 'list')).stdout).toMatch(/^TIME +ACTION/);
    expect(await withJson('audit', 'list', '--trace', 'no such reference')).toEqual([]);
    expect((await cli('audit', 'list', '--limit', 'many')).code).toBe(2);
  });
});

describe('accounts', () => {
  test('are added, listed, disabled and given another password, and never twice', async () => {
    await cardea.addAccount('Robin', 'a long password of robin', '--administrator');
    const again = await cli('account', 'add', 'robin', '--password-file', join(dir, 'none'));
    expect([again.code, again.stderr.includes('none')]).toEqual([1, true]);
    await writeFile(join(dir, 'pw'), 'another long password\n');
    const taken = await cli('account', 'add', 'robin', '--password-file', join(dir, 'pw'));
    expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining('already an account')]);
    expect(await withJson('account', 'disable', 'robin')).toMatchObject({
      username: 'robin',
      disabled: true,
    });
    const list: { username: string; disabled: boolean; administrator: boolean }[] = await withJson(
      'account',
      'list',
    );
    expect(list).toContainEqual(
      expect.objectContaining({ username: 'robin', disabled: true, administrator: true }),
    );
    expect(JSON.stringify(list)).not.toContain('argon2');
    expect(await withJson('account', 'enable', 'robin')).toMatchObject({ disabled: false });
    expect((await cli('account', 'password', 'robin', '--password-file', join(dir, 'pw'))).code).toBe(0);
    expect((await cli('account', 'disable', 'nobody')).code).toBe(1);
  });

  test('a password that is too short is refused with what to do', async () => {
    await writeFile(join(dir, 'short'), 'short');
    const { code, stderr } = await cli('account', 'add', 'kim', '--password-file', join(dir, 'short'));
    expect([code, stderr]).toEqual([1, expect.stringContaining('between')]);
  });
});

describe('resources and clients', () => {
  const uri = 'https://mcp.example/mcp';
  const options = [
    '--name',
    'Example',
    '--scope',
    'a/b=Look',
    '--default',
    'a/b',
    '--tool',
    'a/b/see=See: all:read',
  ];

  test('a resource added while the server runs is in its metadata, and its secret is shown once', async () => {
    const made: { server: { id: string; secret: string } } = await withJson(
      ...['resource', 'add', uri, ...options, '--server-id', 'example-server', '--lifetime', '5m'],
    );
    expect(made.server.secret.length).toBeGreaterThanOrEqual(43);
    const list: object[] = await withJson('resource', 'list');
    expect(list).toMatchObject([
      {
        uri,
        origin: 'added',
        lifetime: 300,
        server: { id: 'example-server' },
        scopes: [
          { name: 'a/b', default: true, tools: [{ name: 'see', description: 'See: all', effect: 'read' }] },
        ],
      },
    ]);
    expect(JSON.stringify(list)).not.toContain(made.server.secret);
    await expect
      .poll(async () => (await fetch(`${cardea.issuer}/.well-known/oauth-authorization-server`)).json(), {
        timeout: 8_000,
      })
      .toMatchObject({ scopes_supported: ['a/b'] });
    expect((await cli('resource', 'remove', uri)).code).toBe(0);
    expect(await withJson('resource', 'list')).toEqual([]);
  });

  test('a server that has keys gets no secret: they stand in the command, or at an address', async () => {
    const keys = join(dir, 'keys.json');
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(keys, JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] }));
    for (const given of [
      ['--jwks', keys],
      ['--jwks-uri', 'https://mcp.example/jwks.json'],
    ]) {
      const made: { server: object } = await withJson(
        ...['resource', 'add', uri, ...options, '--server-id', 'example-server', ...given],
      );
      expect(made.server).toEqual({ id: 'example-server' });
    }
    expect((await cli('resource', 'add', uri, ...options, '--jwks', keys)).code).toBe(2); // whose?
    const id = ['--server-id', 'example-server'];
    for (const file of [join(dir, 'none.json'), join(dir, 'pw')]) {
      expect((await cli('resource', 'add', uri, ...options, ...id, '--jwks', file)).code).toBe(2);
    }
    const both = [...id, '--jwks', keys, '--jwks-uri', 'https://mcp.example/jwks.json'];
    expect((await cli('resource', 'add', uri, ...options, ...both)).code).toBe(1);
    await cli('resource', 'remove', uri);
  });

  test('a resource comes from a file as it would stand in the configuration', async () => {
    const file = join(dir, 'resource.yaml');
    await writeFile(
      file,
      `uri: ${uri}\nname: From a file\nscopes: [{ name: all, description: Everything }]\n`,
    );
    expect(await withJson('resource', 'add', '--file', file)).toMatchObject({ uri });
    await cli('resource', 'remove', uri);
  });

  test('what the configuration would refuse is refused, all of it at once', async () => {
    const { code, stderr } = await cli('resource', 'add', 'ftp://x', '--scope', 'a=Look', '--format', 'saml');
    expect(code).toBe(1);
    for (const what of ['uri', 'name', 'format'])
      expect(stderr).toContain(`resources[0].${what === 'format' ? 'token.format' : what}`);
  });

  test('a confidential client is told its secret once; any client can be stopped', async () => {
    const add = [
      'client',
      'add',
      'desk',
      '--name',
      'Desk',
      '--redirect-uri',
      'http://127.0.0.1:3000/callback',
    ];
    const made: { client_secret: string } = await withJson(...add, '--confidential');
    expect(made.client_secret.length).toBeGreaterThanOrEqual(43);
    expect((await cli(...add)).code).toBe(1);
    await withJson('client', 'disable', 'desk');
    const list = await cli('client', 'list', '--json');
    expect(JSON.parse(list.stdout)).toMatchObject([{ id: 'desk', disabled: true, confidential: true }]);
    expect(list.stdout).not.toContain(made.client_secret);
    await withJson('client', 'enable', 'desk');
    await withJson('client', 'remove', 'desk');
    expect(await withJson('client', 'list')).toEqual([]);
  });

  test('there is nothing to revoke that nobody has allowed', async () => {
    expect(await withJson('grant', 'list')).toEqual([]);
    expect((await cli('grant', 'revoke', 'no-such-grant')).code).toBe(1);
    expect((await cli('grant', 'list', '--account', 'nobody')).code).toBe(1);
  });
});

test('check and serve print every problem of a configuration and exit with 1', async () => {
  const file = join(dir, 'bad.yaml');
  await writeFile(file, 'prot: 1\nresources:\n  - uri: nonsense\nclients:\n  - id: a b\n');
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  const env = { ...process.env, CARDEA_CONFIG: file, CARDEA_ISSUER: 'http://issuer.example/' };
  for (const command of ['check', 'serve']) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, command], {
      cwd: dir,
      env,
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([1, '']);
    for (const what of [
      'CARDEA_ISSUER',
      'prot',
      'resources[0].uri',
      'clients[0].id',
      'clients[0].redirect_uris',
    ])
      expect(stderr).toContain(what);
  }
  const asJson = spawnSync(process.execPath, [main, 'check', '--json'], { cwd: dir, env, encoding: 'utf8' });
  const { ok, problems } = JSON.parse(asJson.stdout) as { ok: boolean; problems: object[] };
  expect([asJson.status, ok, problems.length > 4]).toEqual([1, false, true]);
});

test('SIGTERM lets what has begun be finished and ends with 0', async () => {
  const other = await startCardea({ config: {} });
  const check = await other.cli(['check', '--json']);
  expect(JSON.parse(check.stdout)).toMatchObject({ ok: true });
  expect(await other.stop('SIGTERM')).toBe(0);
});
