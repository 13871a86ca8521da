// A person connects an account elsewhere because a server needs it, with the company's real provider: the way there
// and back, whose link it is, and what becomes of it. THREATS J03, J05, I30, H02.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Company } from '../../examples/company/provider.ts';
import { startCompany } from '../../examples/company/provider.ts';
import { freePort } from '../support/cardea.ts';
import { COMPANY_SECRET, connected, exchange, vaultConfig } from '../support/exchange.ts';
import { type Connected, durably } from '../support/flow.ts';
import { later } from '../support/later.ts';
import { type Person, person, type View } from '../support/person.ts';
import { textOf } from '../support/person-form.ts';
import { type Server, startServer } from '../support/server.ts';
import { visit } from '../support/upstream-company.ts';

let server: Server;
let company: Company;
let back: string;

beforeAll(async () => {
  const port = await freePort();
  back = `http://127.0.0.1:${port}/upstream/company/callback`;
  const client = { id: 'cardea-at-acme', secret: COMPANY_SECRET, redirectUris: [back] };
  company = await startCompany({ clients: [client] });
  server = await startServer({ config: vaultConfig(company.issuer), env: { CARDEA_PORT: String(port) } });
}, 60_000);
afterAll(async () => {
  await server.close();
  await company.close();
});

const isConnect = ({ action }: { action: string }): boolean => action.includes('/connect/');

async function linkFor({ tokens }: Connected, audience = 'company'): Promise<string> {
  const { status, body } = await exchange(server, tokens.access_token, { audience });
  expect([status, body.error]).toEqual([400, 'connect_required']);
  return String(body.connect_uri);
}

/** Presses the button of the page; the company's address. */
async function setOut(by: Person, link: string): Promise<URL> {
  const view = await by.visit(link);
  const left = await by.send(view, isConnect).catch((error: Error) => error.message);
  return new URL(String(left).replace(/^left the issuer for /, ''));
}

/** All the way, as `login` at the company; the page at the end. */
async function connectAs(by: Person, link: string, login: string): Promise<View> {
  const callback = await visit(await setOut(by, link), back, login);
  return by.visit(`${back}?${callback}`);
}

const fresh = async (): Promise<Connected> => {
  await durably(server, (work) => server.rooms.grants.endAll(work, server.account.id, 'x'));
  return connected(server);
};

describe('connecting', () => {
  it('leads to the upstream and back, and then the same call works', async () => {
    const app = await fresh();
    const link = await linkFor(app);
    const page = textOf((await app.person.visit(link)).html);
    for (const word of ['Town Library', 'Acme', 'read your calendar', 'A client'])
      expect(page).toContain(word);
    const done = await connectAs(app.person, link, 'kim');
    expect([done.status, textOf(done.html)]).toEqual([
      200,
      expect.stringContaining('You can return to the app'),
    ]);
    const { status, body } = await exchange(server, app.tokens.access_token);
    expect(status).toBe(200);
    const calendar = await fetch(`${company.issuer}/calendar`, {
      headers: { authorization: `Bearer ${body.access_token}` },
    });
    expect([calendar.status, await calendar.text()]).toEqual([200, expect.stringContaining('atlas')]);
    const shown = textOf((await app.person.visit(`${server.issuer}/connections`)).html);
    expect(shown).toContain('What servers may use on your behalf');
    expect(shown).toContain('kim');
  });

  it('a token that has run out is renewed without the person', async () => {
    const app = await fresh();
    await connectAs(app.person, await linkFor(app), 'kim');
    const first = (await exchange(server, app.tokens.access_token)).body.access_token;
    later(290_000);
    const { status, body } = await exchange(server, app.tokens.access_token);
    expect(status).toBe(200);
    expect(body.access_token).not.toBe(first);
  });

  it('an app that was not allowed the upstream gets it once the person allows it, without going there again', async () => {
    const app = await fresh();
    await connectAs(app.person, await linkFor(app), 'kim');
    const other = await connected(server, { by: app.person, only: ['library:read search_books'] });
    const link = await linkFor(other);
    const page = await app.person.visit(link);
    expect(textOf(page.html)).toContain('Your account there');
    const done = await app.person.send(page, isConnect);
    expect(textOf(done.html)).toContain('You can return to the app');
    expect((await exchange(server, other.tokens.access_token)).status).toBe(200);
  });

  it('a pasted key is kept, and delivered; one that cannot be a key is asked for again', async () => {
    const app = await fresh();
    const link = await linkFor(app, 'weather');
    const view = await app.person.visit(link);
    expect(textOf(view.html)).toContain('weather.example/keys');
    const again = await app.person.send(view, isConnect, { key: 'no' });
    expect([again.status, textOf(again.html)]).toEqual([422, expect.stringContaining('8 to 4096')]);
    await app.person.send(again, isConnect, { key: 'wx-0123456789abcdef' });
    const { body } = await exchange(server, app.tokens.access_token, { audience: 'weather' });
    expect(body.access_token).toBe('wx-0123456789abcdef');
    expect(server.log()).not.toContain('wx-0123456789abcdef');
  });
});

describe('a link', () => {
  it('is nothing to anybody else', async () => {
    const app = await fresh();
    const link = await linkFor(app);
    await durably(server, (work) =>
      server.rooms.accounts.add(work, { username: 'robin', password: server.password }),
    ).catch(() => undefined);
    const robin = person({ username: 'robin', password: server.password });
    await robin.signIn(server.issuer);
    const seen = await robin.visit(link);
    expect([seen.status, textOf(seen.html)]).toEqual([403, expect.stringContaining('somebody else')]);
    const stranger = await server.alex().visit(link);
    expect(stranger.url.pathname).toBe('/sign-in');
  });

  it('works once, and not for ever', async () => {
    const app = await fresh();
    const link = await linkFor(app, 'weather');
    const view = await app.person.visit(link);
    await app.person.send(view, isConnect, { key: 'wx-0123456789abcdef' });
    expect((await app.person.visit(link)).status).toBe(410);
    expect((await app.person.send(view, isConnect, { key: 'wx-another-one' })).status).toBe(410);
    const unused = await linkFor(app);
    later(15 * 60_000 + 1);
    expect((await app.person.visit(unused)).status).toBe(410);
  });

  it('leads nowhere once the app is not connected any more', async () => {
    const revocations = async () =>
      (await server.rooms.audit.latest(50)).filter(
        ({ action, detail }) =>
          action === 'upstream.revoked' && (detail as { upstream: string }).upstream === 'company',
      );
    const app = await fresh();
    await server.rooms.vault.settle();
    const before = await revocations();
    const link = await linkFor(app);
    const callback = await visit(await setOut(app.person, link), back, 'kim');
    await durably(server, (work) => server.rooms.grants.endAll(work, server.account.id, 'x'));
    expect((await app.person.visit(`${back}?${callback}`)).status).toBe(404);
    expect(await server.rooms.vault.list(server.account.id)).toEqual([]);
    // and what the company gave for it is given back
    await server.rooms.vault.settle();
    const since = (await revocations()).filter(({ id }) => before.every((each) => each.id !== id));
    expect(since).toMatchObject([{ outcome: 'done', reason: 'told' }]);
  });

  it('another browser cannot come back with it', async () => {
    const app = await fresh();
    const callback = await visit(await setOut(app.person, await linkFor(app)), back, 'kim');
    const other = await server.signedIn();
    expect((await other.visit(`${back}?${callback}`)).status).toBe(400);
    expect(await server.rooms.vault.list(server.account.id)).toEqual([]);
  });
});

it('ended on the page of connections, it is over here and at the upstream', async () => {
  const app = await fresh();
  await connectAs(app.person, await linkFor(app), 'kim');
  const { body } = await exchange(server, app.tokens.access_token);
  const page = await app.person.visit(`${server.issuer}/connections`);
  const after = await app.person.send(page, ({ action }) => action.endsWith('/connections/upstreams/end'));
  expect(textOf(after.html)).toContain('Your Acme account is no longer connected');
  await server.rooms.vault.settle();
  const calendar = await fetch(`${company.issuer}/calendar`, {
    headers: { authorization: `Bearer ${body.access_token}` },
  });
  expect(calendar.status).toBe(401);
  await linkFor(app);
});
