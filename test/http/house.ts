// A whole Cardea in this process, on a loopback port, for tests that ask it over HTTP.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRooms, startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { createLog } from '../../src/log.ts';
import { freePort } from '../support/cardea.ts';

export type House = Awaited<ReturnType<typeof openHouse>>;

/** `path` is the issuer's; `env` adds to the configuration. `close()` removes everything. */
export async function openHouse({
  path = '',
  env = {},
}: {
  path?: string;
  env?: Record<string, string>;
} = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'cardea-http-'));
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}${path}`;
  const config = readConfig({
    env: { CARDEA_ISSUER: issuer, CARDEA_PORT: String(port), CARDEA_DATA: dir, ...env },
  });
  const lines: string[] = [];
  const log = createLog({ level: 'info', write: (line) => void lines.push(line) });
  const app = await startApp(config, log);
  const alex = { username: 'alex', password: 'a long password of a test person' };
  const rooms = await openRooms(config, log);
  const work = rooms.work();
  await rooms.accounts.add(work, alex);
  await work.commit();

  return {
    issuer,
    port,
    alex,
    rooms,
    lines,
    setupLink: app.firstAdministratorLink ?? '',
    ask: (at: string, init: RequestInit = {}): Promise<Response> =>
      fetch(`${issuer}${at}`, { redirect: 'manual', ...init }),
    /** Bytes over a socket, for what `fetch` would never send; the whole answer. */
    raw: (text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(text));
        let answer = '';
        socket.setEncoding('utf8').on('data', (part: string) => {
          answer += part;
        });
        socket.once('error', reject).once('close', () => resolve(answer));
      }),
    async close(): Promise<void> {
      await rooms.close();
      await app.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A form's csrf token and the cookies that came with its page. */
export async function formAt(
  house: House,
  at: string,
): Promise<{ csrf: string; cookie: string; page: string }> {
  const response = await house.ask(at);
  const page = await response.text();
  const csrf = /name="csrf" value="([^"]*)"/.exec(page)?.[1] ?? '';
  const cookie = response.headers
    .getSetCookie()
    .map((each) => each.split(';')[0])
    .join('; ');
  return { csrf, cookie, page };
}

export const form = (fields: Record<string, string>, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers,
  body: new URLSearchParams(fields),
});
