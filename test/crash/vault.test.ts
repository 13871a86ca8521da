// Cardea is killed while the company has already renewed a token of its own and nobody has heard the answer: the one
// moment at which a refresh token that is good for one use is lost. THREATS J16.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStorage } from '../../src/storage/open.ts';
import { type Cardea, freePort, startCardea } from '../support/cardea.ts';
import { type PlainClient, plainClient } from '../support/client-plain.ts';
import { companyProcess } from '../support/company-process.ts';
import { ACCESS_TOKEN, COMPANY_SECRET, TOKEN_EXCHANGE, vaultConfig } from '../support/exchange.ts';
import { type Person, person } from '../support/person.ts';
import { textOf } from '../support/person-form.ts';
import { basicConfig, RESOURCE, SERVER } from '../support/server.ts';

const ALEX = { username: 'alex', password: 'correct horse battery' };

let dir: string;
let port: number;
let back: string;
let company: Awaited<ReturnType<typeof companyProcess>>;
let cardea: Cardea;
let alex: Person;
let app: PlainClient;
let token: string;

const start = (): Promise<Cardea> =>
  startCardea({
    dir,
    port,
    database: `sqlite:${join(dir, 'c.db')}`,
    config: { ...basicConfig, ...vaultConfig(company.origin) },
  });

async function tamper(sql: string): Promise<void> {
  const storage = await openStorage({ kind: 'sqlite', file: join(dir, 'c.db') });
  const work = storage.work();
  work.add({ sql, params: [] });
  await work.commit();
  await storage.close();
}

async function ask(): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${cardea.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${SERVER.id}:${SERVER.secret}`)}` },
    body: new URLSearchParams({
      grant_type: TOKEN_EXCHANGE,
      subject_token: token,
      subject_token_type: ACCESS_TOKEN,
      audience: 'company',
    }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function connectCompany(): Promise<void> {
  const page = await alex.visit(String((await ask()).body['connect_uri']));
  const away = await alex.press(page, 'go', 'on');
  await alex.visit(`${back}?${await company.visit(new URL(String(away)), 'kim')}`);
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cardea-crash-vault-'));
  port = await freePort();
  back = `http://127.0.0.1:${port}/upstream/company/callback`;
  company = await companyProcess(back, { id: 'cardea-at-acme', secret: COMPANY_SECRET });
  cardea = await start();
  await cardea.addAccount(ALEX.username, ALEX.password);
  alex = person(ALEX);
  app = await plainClient({ issuer: cardea.issuer, resource: RESOURCE });
  const callback = await alex.approve(app.begin());
  token = String((await app.redeem(new URL(callback))).body['access_token']);
  await connectCompany();
}, 120_000);
afterAll(async () => {
  await app?.close();
  await cardea?.stop();
  await company?.close();
  await rm(dir, { recursive: true, force: true });
});

it('a refresh token that was used up in the moment of a crash is tried once more, and then the person is asked', async () => {
  expect((await ask()).status).toBe(200);
  await tamper('UPDATE upstream_connections SET expires_at = 1');
  company.set('/token', { is: 'kept answer' });
  const unanswered = ask().catch(() => 'no answer');
  await expect.poll(company.kept, { timeout: 20_000 }).toBe(1);
  await cardea.stop('SIGKILL');
  expect(await unanswered).toBe('no answer');
  company.honest();

  cardea = await start();
  // The right to ask, which the killed process held, has run out.
  await tamper('UPDATE upstream_connections SET refreshing_until = 1');
  company.asked();
  for (let again = 0; again < 3; again += 1)
    expect((await ask()).body).toMatchObject({ error: 'connect_required' });
  expect(company.asked('/token')).toHaveLength(1);
  const page = await alex.visit(`${cardea.issuer}/connections`);
  expect(textOf(page.html)).toContain('This has ended there');

  await connectCompany();
  expect((await ask()).status).toBe(200);
}, 120_000);
