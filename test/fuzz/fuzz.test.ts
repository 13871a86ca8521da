// Every endpoint, asked everything: real requests, changed. Whatever comes, the server answers in its own words,
// sends nobody to an address that nobody registered, writes no secret down, and goes on.
// THREATS M04–M09, M17, M18; E31, E32, E36; D01, D02; N.

import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cardea, startCardea } from '../support/cardea.ts';
import { databases, type TestDatabase } from '../support/databases.ts';
import { type RawAnswer, raw } from '../support/raw.ts';
import { company } from '../support/upstream-company.ts';
import { change, type Wire, wire } from './mutations.ts';
import { config, PASSWORD, REDIRECT, recorded, registered } from './requests.ts';
import type { Shot } from './shot.ts';

const long = process.env['CARDEA_LONG'] !== undefined;
const FLOWS = long ? 200 : 10; // each with seeds of its own, for fuzzing uses them up
const SHOTS = 100;
const MOST_MEGABYTES = 600;

// What a program asks: errors there are JSON with an `error`, whatever was asked (RFC 6749 §5.2).
const FOR_PROGRAMS =
  /^\/(token|par|device_authorization|register(\/[\w-]+)?|introspect|revoke|jwks|\.well-known\/[\w-]+)$/;

const headerOf = ({ head }: RawAnswer, name: string): string | undefined =>
  new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim();

/** The answer after those that only say "go on" (RFC 9110 §15.2). */
function final(answer: RawAnswer): RawAnswer {
  if (answer.status < 100 || answer.status >= 200) return answer;
  const [head = '', ...rest] = answer.body.split('\r\n\r\n');
  return final({ status: Number(head.split(' ')[1] ?? 0), head, body: rest.join('\r\n\r\n') });
}

function check(
  { issuer, company }: { issuer: string; company: string },
  { target, lines }: Wire,
  answer: RawAnswer,
): void {
  const { status, body } = answer;
  const said = `${lines[0]?.slice(0, 300)} → ${status} ${body.slice(0, 300)}`;
  expect(status, `no answer to ${said}`).toBeGreaterThanOrEqual(200);
  expect(status, said).toBeLessThan(500);
  expect(answer.head, said).not.toMatch(/^x-injected/im);
  expect(body, said).not.toMatch(/node_modules|\.ts:\d+|SQLITE_|\bSELECT\b/);

  const location = headerOf(answer, 'location');
  if (location !== undefined) {
    const to = new URL(location, issuer);
    const known = to.origin === issuer || registered(company).includes(to.origin + to.pathname);
    expect(known, `${said} went to ${location}`).toBe(true);
  }
  // Node itself refuses what is not HTTP, and has no trace id to give.
  const path = target.split(/[?#]/)[0] ?? '';
  if (
    status >= 400 &&
    FOR_PROGRAMS.test(path) &&
    headerOf(answer, 'cardea-trace-id') &&
    !/^HEAD /.test(lines[0] ?? '')
  ) {
    expect(headerOf(answer, 'content-type'), said).toMatch(/^application\/json/);
    expect(JSON.parse(body), said).toEqual(
      expect.objectContaining({ error: expect.stringMatching(/^\w+$/) }),
    );
  }
}

describe.each(databases)('whatever is asked, on %s,', (_name, make) => {
  let cardea: Cardea;
  let database: TestDatabase;
  let acme: Awaited<ReturnType<typeof company>>;
  let client: string;
  const secrets = new Set<string>();

  beforeAll(async () => {
    database = await make();
    acme = await company('http://127.0.0.1:3999/upstream/company/callback');
    cardea = await startCardea({
      config: config(acme.issuer),
      env: { CARDEA_LOG_LEVEL: 'debug', DEBUG: 'oidc-provider:*' },
      ...(database.url.startsWith('postgres') && { database: database.url }),
    });
    await cardea.addAccount('alex', PASSWORD);
    const answer = await fetch(`${cardea.issuer}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none' }),
    });
    client = ((await answer.json()) as { client_id: string }).client_id;
  }, 60_000);
  afterAll(async () => {
    await cardea?.stop();
    await acme?.close();
    await database?.remove();
  });

  it(
    'is answered below 500, in the right form, and sends nobody to a stranger',
    async () => {
      const parties = { issuer: cardea.issuer, company: acme.issuer };
      const { host } = new URL(cardea.issuer);
      for (let flow = 0; flow < FLOWS; flow += 1) {
        const { shots, secrets: mine } = await recorded(cardea, client);
        for (const secret of mine) secrets.add(secret);
        const property = fc.asyncProperty(fc.constantFrom(...shots), change, async (shot: Shot, plan) => {
          const request = wire(shot, plan, host);
          check(parties, request, final(await raw(cardea.issuer, request.lines, request.body)));
        });
        await fc.assert(property, { numRuns: SHOTS, interruptAfterTimeLimit: 120_000 });
      }
    },
    long ? 1_800_000 : 90_000,
  );

  it('leaves none of the secrets of those requests in the log, the engine talking too', () => {
    const log = cardea.log();
    expect(secrets.size).toBeGreaterThan(10);
    const told = [...secrets].filter((secret) => log.includes(secret));
    const lines = told.flatMap((secret) =>
      log
        .split('\n')
        .filter((line) => line.includes(secret))
        .slice(0, 1),
    );
    expect(lines).toEqual([]);
  });

  it('leaves the process alive, with a memory that has an end', async () => {
    expect((await fetch(`${cardea.issuer}/ready`)).status).toBe(200);
    const { stdout } = spawnSync('ps', ['-o', 'rss=', '-p', String(cardea.pid)], { encoding: 'utf8' });
    expect(Number(stdout) / 1024).toBeLessThan(MOST_MEGABYTES);
  });
});
