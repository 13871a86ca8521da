// Two Cardea processes, X and Y, that are one server: one issuer, one database, one key, and slow storage.
// Called by the race tests; it brings requests to either process and knows nothing of what they mean.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { random } from '../../src/crypto.ts';
import { type Cardea, freePort, startCardea } from '../support/cardea.ts';
import type { TestDatabase } from '../support/databases.ts';
import type { Secret } from '../support/flow.ts';
import { person } from '../support/person.ts';
import { basicConfig, SERVER } from '../support/server.ts';
import { sentTo } from './balance.ts';

export type Reply = { status: number; headers: Headers; text: string; body: Record<string, unknown> };
export type Fields = Record<string, string | undefined> | URLSearchParams;

/** 15 ms: a database in the next room. With none, even a server that checks nothing looks safe. */
const LATENCY = '15';
const PASSWORD = 'correct horse battery';

const parse = (text: string): Record<string, unknown> => {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
};

const form = (fields: Fields): URLSearchParams =>
  fields instanceof URLSearchParams
    ? fields
    : new URLSearchParams(Object.entries(fields).filter((pair): pair is [string, string] => !!pair[1]));

/** `config` is given the issuer, for what has to know it beforehand. */
export async function startPair(
  database: TestDatabase,
  config: (issuer: string) => Promise<Record<string, unknown>> = async () => basicConfig,
) {
  const dir = await mkdtemp(join(tmpdir(), 'cardea-pair-'));
  const ports = [await freePort(), await freePort()] as const;
  const issuer = `http://127.0.0.1:${ports[0]}`;
  const said = await config(issuer);
  const start = (port: number): Promise<Cardea> =>
    startCardea({
      dir,
      port,
      database: database.url,
      config: said,
      env: {
        CARDEA_ISSUER: issuer,
        CARDEA_KEY: key,
        CARDEA_TEST_LATENCY: LATENCY,
        NODE_OPTIONS: `--import=${new URL('../support/slow.ts', import.meta.url)}`,
      },
    });
  const key = random(32);
  const x = await start(ports[0]);
  const y = await start(ports[1]);
  await x.addAccount('alex', PASSWORD);

  /** To X when `process` is even, to Y when it is odd. */
  const portOf = (process: number): number => ports[process % 2] ?? ports[0];

  async function send(process: number, path: string, init: RequestInit): Promise<Reply> {
    const response = await sentTo(portOf(process), path.startsWith('/') ? issuer + path : path, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parse(text) };
  }

  const post = (process: number, path: string, fields: Fields, as?: Secret): Promise<Reply> =>
    send(process, path, {
      method: 'POST',
      body: form(fields),
      ...(as && {
        headers: { authorization: `Basic ${Buffer.from(`${as.id}:${as.secret}`).toString('base64')}` },
      }),
    });

  return {
    issuer,
    send,
    post,

    /** Alex in a browser of their own, whose requests go to X and Y by turns. */
    alex() {
      let turn = 0;
      return person({
        username: 'alex',
        password: PASSWORD,
        fetch: (url, init) => {
          turn += 1;
          return sentTo(portOf(turn), String(url), init);
        },
      });
    },

    /** What the library learns of a token from each of the two. */
    async seen(token: unknown): Promise<[boolean, boolean]> {
      const answers = [0, 1].map(async (process) => {
        const { body } = await post(process, '/introspect', { token: String(token) }, SERVER);
        return body['active'] === true;
      });
      return (await Promise.all(answers)) as [boolean, boolean];
    },

    /** What both have logged. */
    log: (): string => x.log() + y.log(),

    async close(): Promise<void> {
      await Promise.all([x.stop(), y.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export type Pair = Awaited<ReturnType<typeof startPair>>;

/** `each` is called at once for 0 … most-1: half of them at X, half at Y. */
export const together = <T>(most: number, each: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: most }, (_, index) => each(index)));

/** Rounds of a contest, `lanes` side by side: a round mostly waits for slow storage. */
export async function rounds(most: number, lanes: number, round: (lane: number) => Promise<void>) {
  let left = most;
  await together(lanes, async (lane) => {
    while (left > 0) {
      left -= 1;
      await round(lane);
    }
  });
}
