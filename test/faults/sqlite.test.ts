// SQLite's disk is full, its file is locked by somebody else, or it is no database: 503 or a clear word, and
// afterwards everything is as it was. THREATS P07, P09, P10.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { beside } from '../support/beside.ts';
import { startCardea } from '../support/cardea.ts';
import { authorize, CALLBACK, type Client, connect, introspect, register } from '../support/flow.ts';
import { broken } from '../support/invariants.ts';
import { SERVER } from '../support/server.ts';
import { type Remote, remote } from './remote.ts';
import { servedOrLater, traffic } from './traffic.ts';

/** Too much for an id to say, and more than is free in pages that are there already. */
const MANY_REDIRECTS = [
  CALLBACK,
  ...Array.from({ length: 19 }, () => `http://127.0.0.1/${randomBytes(300).toString('hex')}`),
];

let dir: string;
let disk: string;
let server: Remote;
let mounted = false;

/** A disk of its own, where this user may have one. */
function mountSmall(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'cardea-faults-'));
  disk = join(dir, 'disk');
  mkdirSync(disk);
  mounted = mountSmall();
  server = await remote({ dir, database: `sqlite:${join(disk, 'cardea.db')}` });
});
afterEach(async () => {
  const code = await server.cardea.stop();
  if (mounted) execFileSync('umount', ['-l', disk]);
  rmSync(dir, { recursive: true, force: true });
  expect(code).toBe(0);
});

async function rulesHold(): Promise<void> {
  const eyes = await beside(`sqlite:${join(disk, 'cardea.db')}`);
  expect(await broken(eyes).finally(eyes.close)).toEqual([]);
}

/** Not a byte more may be written; returns how to undo that. Without a disk of our own, no file may grow. */
function fillDisk(): () => void {
  if (mounted) {
    const filler = join(disk, 'filler');
    for (const size of [1_000_000, 50_000, 4096, 1])
      for (let full = false; !full; ) {
        try {
          writeFileSync(filler, Buffer.alloc(size), { flag: 'a' });
        } catch {
          full = true;
        }
      }
    return () => rmSync(filler);
  }
  const limit = (bytes: string) =>
    execFileSync('prlimit', ['--pid', String(server.cardea.pid), `--fsize=${bytes}`]);
  limit('4096:unlimited');
  return () => void limit('unlimited:unlimited');
}

it('a full disk is 503 for whoever writes, costs nobody anything, and passes', async () => {
  const lanes = await traffic(server, 3);
  const { tokens, client } = await connect(server, { by: server.alex() });
  const { redeemWith } = await authorize(server, { by: server.alex(), client });
  const registered: Client[] = [];
  const free = fillDisk();
  await lanes.during(async () => {
    // what SQLite has room for in its log is still written
    await expect.poll(() => lanes.told.later, { timeout: 20_000 }).toBeGreaterThan(10);
    for (const answer of [
      await redeemWith(),
      await server.post('/revoke', { token: 'none', client_id: client.client_id }),
      await server.post('/introspect', { token: tokens.access_token }, SERVER),
    ])
      servedOrLater(answer);
    // the id of a short registration says all of it, so nothing is written, and it may be given out
    for (const metadata of [{}, { token_endpoint_auth_method: 'client_secret_basic' }])
      registered.push(await register(server, metadata));
    // what has to be kept is refused, with a secret or without
    for (const token_endpoint_auth_method of ['none', 'client_secret_basic']) {
      const { status, headers, body } = await server.json('/register', {
        ...{ redirect_uris: MANY_REDIRECTS, token_endpoint_auth_method },
      });
      expect([status, body.error]).toEqual([503, 'temporarily_unavailable']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await fetch(`${server.issuer}/health`)).status).toBe(200);
    free();
  });
  await lanes.recovers();
  for (const each of registered) await connect(server, { client: each });
  await connect(server, { metadata: { redirect_uris: MANY_REDIRECTS } });
  const { status, body } = await redeemWith();
  expect([status, body.error_description]).toEqual([200, undefined]);
  expect((await introspect(server, tokens.access_token)).active).toBe(true);
  await rulesHold();
});

it('a file that another program has locked is 503 after a while, and reading goes on', async () => {
  const lanes = await traffic(server, 3);
  const script = fileURLToPath(new URL('blocker.mjs', import.meta.url));
  const blocker: ChildProcess = spawn(process.execPath, [script, join(disk, 'cardea.db')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(blocker.stdout as NonNullable<typeof blocker.stdout>, 'data');
  const { tokens } = await (async () => {
    let held: Awaited<ReturnType<typeof connect>> | undefined;
    await lanes.during(async () => {
      await expect.poll(() => lanes.told.later, { timeout: 20_000 }).toBeGreaterThan(2);
      expect((await fetch(`${server.issuer}/ready`)).status).toBe(200);
      blocker.stdin?.end();
      await once(blocker, 'exit');
      held = await connect(server);
    });
    return held as Awaited<ReturnType<typeof connect>>;
  })();
  await lanes.recovers();
  expect((await introspect(server, tokens.access_token)).active).toBe(true);
  await rulesHold();
});

it('what cannot be a database is refused in words, and left as it is', async () => {
  const text = join(dir, 'notes.txt');
  writeFileSync(text, 'these are notes of mine\n'.repeat(100));
  for (const file of [text, dir, join(text, 'below.db')]) {
    const started = startCardea({ config: {}, database: `sqlite:${file}` });
    await expect(started, file).rejects.toThrow(/ended with 1 (.|\n)*cannot be used: (.|\n)*local disk/);
    await expect(started, file).rejects.not.toThrow(/ {4}at /);
  }
  expect(readFileSync(text, 'utf8')).toBe('these are notes of mine\n'.repeat(100));
});
