// Two processes and the vault: of all who want a token that has run out, one asks the upstream. THREATS J15, I30, J11.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Company, startCompany } from '../../examples/company/provider.ts';
import { openStorage } from '../../src/storage/open.ts';
import { databases, type TestDatabase } from '../support/databases.ts';
import { ACCESS_TOKEN, COMPANY_SECRET, TOKEN_EXCHANGE, vaultConfig } from '../support/exchange.ts';
import type { Person } from '../support/person.ts';
import { basicConfig, SERVER } from '../support/server.ts';
import { visit } from '../support/upstream-company.ts';
import { connection } from './contest-tokens.ts';
import { type Pair, type Reply, startPair, together } from './pair.ts';

const HUNDRED = 100;

describe.each(databases)('two processes on %s', (_name, make) => {
  let database: TestDatabase;
  let company: Company;
  let pair: Pair;
  let person: Person;
  let token: string;

  const back = () => `${pair.issuer}/upstream/company/callback`;
  const exchange = (process: number): Promise<Reply> =>
    pair.post(
      process,
      '/token',
      {
        grant_type: TOKEN_EXCHANGE,
        subject_token: token,
        subject_token_type: ACCESS_TOKEN,
        audience: 'company',
      },
      SERVER,
    );

  beforeAll(async () => {
    database = await make();
    pair = await startPair(database, async (issuer) => {
      const redirectUris = [`${issuer}/upstream/company/callback`];
      company = await startCompany({
        clients: [{ id: 'cardea-at-acme', secret: COMPANY_SECRET, redirectUris }],
      });
      return { ...basicConfig, ...vaultConfig(company.issuer) };
    });
    const app = await connection(pair);
    person = app.person;
    const { body } = await pair.post(0, '/token', await app.code());
    token = String(body['access_token']);
    const link = String((await exchange(0)).body['connect_uri']);
    const page = await person.visit(link);
    const left = await person
      .send(page, ({ action }) => action.includes('/connect/'))
      .catch((error: Error) => error.message);
    const away = new URL(String(left).replace('left the issuer for ', ''));
    await person.visit(`${back()}?${await visit(away, back(), 'kim')}`);
  }, 120_000);
  afterAll(async () => {
    await pair?.close();
    await company?.close();
    await database?.remove();
  });

  /** The company's token has run out, as far as the vault knows. */
  async function runOut(): Promise<void> {
    const storage = await openStorage(database.location);
    const work = storage.work();
    work.add({ sql: 'UPDATE upstream_connections SET expires_at = 1', params: [] });
    await work.commit();
    await storage.close();
  }

  const refreshes = (): number => company.counts()['refresh_token'] ?? 0;

  it('a hundred deliveries at once of a token that has run out cause one refresh at the upstream', async () => {
    for (let round = 0; round < 3; round += 1) {
      await runOut();
      const before = refreshes();
      const replies = await together(HUNDRED, exchange);
      expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
      expect(new Set(replies.map(({ body }) => body['access_token'])).size).toBe(1);
      expect(refreshes() - before).toBe(1);
    }
    expect(pair.log()).not.toMatch(/"level":"(error|fatal)"/);
  }, 60_000);

  it('when the upstream says that it is over, everybody is told the same, and it is asked once', async () => {
    await runOut();
    await company.endConnections();
    const before = refreshes();
    const replies = await together(HUNDRED, exchange);
    expect(new Set(replies.map(({ body }) => body['error']))).toEqual(new Set(['connect_required']));
    expect(refreshes()).toBe(before);
    expect((await exchange(1)).body['error']).toBe('connect_required');
    const { html } = await person.visit(`${pair.issuer}/connections`);
    expect(html).toContain('This has ended there');
  }, 60_000);
});
