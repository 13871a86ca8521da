// The pages in the middle of an authorization belong to one browser, one request and one answer.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { authorizeUrl, CALLBACK, claimsOf, connect, pkce, register, search } from '../support/flow.ts';
import { later } from '../support/later.ts';
import { type Person, person } from '../support/person.ts';
import { formsOf } from '../support/person-form.ts';
import { OTHER_RESOURCE, RESOURCE, type Server, startServer } from '../support/server.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** The form of a page that has a control of this name, and its token. */
function formWith(name: string, page: { html: string; url: URL }): { action: string; csrf: string } {
  const form = formsOf(page.html, page.url).find(({ controls }) =>
    controls.some((each) => each.name === name),
  );
  if (!form) throw new Error(`the page at ${page.url} has no ${name}`);
  return { action: form.action, csrf: form.controls.find((each) => each.name === 'csrf')?.value ?? '' };
}

/** A person's browser, stopped on the consent page, and what it would send from there. */
async function atConsent(scope = 'library:read', metadata: Record<string, unknown> = {}) {
  const alex = await server.signedIn();
  const { client_id } = await register(server, metadata);
  const { verifier, challenge } = pkce();
  const page = await alex.visit(authorizeUrl(server, { client_id, scope, code_challenge: challenge }));
  const { csrf } = formWith('decision', page);
  const fields = (ticks: string[], decision = 'allow') => search({ csrf, tool: ticks, decision });
  const redeem = (code: string) =>
    server.post('/token', {
      grant_type: 'authorization_code',
      code,
      client_id,
      redirect_uri: CALLBACK,
      code_verifier: verifier,
    });
  return { alex, page, url: page.url, csrf, fields, redeem, client_id };
}

/** Posts as this browser; follows our own redirects, and returns the address outside or the last response. */
async function send(
  who: Person,
  url: URL | string,
  body: URLSearchParams,
  headers: Record<string, string> = {},
) {
  let at = new URL(url);
  let init: RequestInit = { method: 'POST', body };
  for (let step = 0; step < 10; step += 1) {
    const cookie = who.cookies.header(at);
    const response = await fetch(at, {
      ...init,
      redirect: 'manual',
      headers: { accept: 'text/html', ...(cookie && { cookie }), ...headers },
    });
    who.cookies.keep(at, response.headers.getSetCookie());
    const location = response.headers.get('location');
    if (!location) return { status: response.status, left: undefined, url: at, html: await response.text() };
    at = new URL(location, at);
    if (at.origin !== server.issuer) return { status: response.status, left: at, url: at, html: '' };
    init = {};
  }
  throw new Error('too many redirects');
}

const refused = ({ status, left }: Awaited<ReturnType<typeof send>>) => {
  expect(left).toBeUndefined();
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
};

it('ticks for what was not asked are ignored', async () => {
  const { alex, url, fields, redeem } = await atConsent();
  const ticks = [
    'library:read search_books',
    'library:write add_book',
    'library:read nothing',
    'other:use',
    'admin',
  ];
  const { left } = await send(alex, url, fields(ticks));
  const { body } = await redeem(left?.searchParams.get('code') ?? '');
  expect(body.scope).toBe('library:read');
  expect(claimsOf(body.access_token)['tools']).toEqual({ 'library:read': ['search_books'] });
});

it('what a form says of client, server, way back and person is ignored', async () => {
  const { alex, url, fields, redeem, client_id } = await atConsent();
  const body = fields(['library:read search_books']);
  const other = await register(server, { redirect_uris: ['http://127.0.0.1:3998/elsewhere'] });
  const lies = {
    client_id: other.client_id,
    redirect_uri: 'http://127.0.0.1:3998/elsewhere',
    resource: OTHER_RESOURCE,
    ...{ uid: 'another', grantId: 'another', accountId: 'another', scope: 'library:write', state: 'another' },
  };
  for (const [name, value] of Object.entries(lies)) body.append(name, value);
  const { left } = await send(alex, url, body);
  expect(`${left?.origin}${left?.pathname}`).toBe(CALLBACK);
  expect(left?.searchParams.get('state')).toBe('a state');
  const { status, body: tokens } = await redeem(left?.searchParams.get('code') ?? '');
  expect([status, tokens.scope]).toEqual([200, 'library:read']);
  expect(claimsOf(tokens.access_token)).toMatchObject({ client_id, aud: RESOURCE, sub: server.account.id });
});

it('a page that was open while somebody else signed in, in the same browser, allows nothing for anybody', async () => {
  const password = 'a long password of lou';
  const work = server.rooms.work();
  const lou = await server.rooms.accounts.add(work, { username: 'lou', password });
  await work.commit();
  const { alex, url, fields, client_id } = await atConsent();
  const signIn = await alex.visit(`${server.issuer}/sign-in?again=1`);
  const here = await alex.send(signIn, ({ action }) => action.includes('/sign-in'), {
    username: 'lou',
    password,
  });
  expect(here.html).toContain('lou');
  const sent = await send(alex, url, fields(['library:read search_books']));
  expect(sent.left?.searchParams.has('code') ?? false).toBe(false);
  expect(sent.status).toBeLessThan(500);
  for (const { id } of [server.account, lou]) {
    expect(await server.rooms.grants.live(id, client_id)).toEqual([]);
  }
});

it('nobody goes on before the step that they are at is done', async () => {
  const alex = server.alex();
  const { client_id } = await register(server);
  let page = await alex.visit(authorizeUrl(server, { client_id, scope: 'library:read' }));
  /** As if the step had been done; a visit never leaves the server. */
  const goOn = async () => {
    page = await alex.visit(`${server.issuer}/authorize/${page.url.pathname.split('/').at(-1)}`);
    expect(page.url.pathname).toMatch(/^\/interaction\//);
  };
  const nothing = async (name: string, fields: Record<string, string>) => {
    const { action, csrf } = formWith(name, page);
    const { left } = await send(alex, action, new URLSearchParams({ csrf, ...fields }));
    expect(left).toBeUndefined();
    expect(await server.rooms.grants.live(server.account.id, client_id)).toEqual([]);
  };
  const allowed = { decision: 'allow', tool: 'library:read search_books' };
  const password = { username: 'alex', password: server.password };

  await goOn(); // before they have signed in
  await nothing('password', {});
  await nothing('password', allowed);
  page = await alex.send(page, ({ controls }) => controls.some(({ name }) => name === 'password'), password);
  expect(page.html).toContain('name="decision"');
  await goOn(); // before they have decided
  await nothing('decision', {});
  await nothing('decision', password);
  const { action, csrf } = formWith('decision', page);
  const { left } = await send(alex, action, new URLSearchParams({ csrf, ...allowed }));
  expect(left?.searchParams.has('code')).toBe(true);
});

it('an answer that comes after an hour is told that the page has run out, and allows nothing', async () => {
  const { alex, url, fields, client_id } = await atConsent();
  later(3_601_000);
  const sent = await send(alex, url, fields(['library:read search_books']));
  vi.useRealTimers();
  refused(sent);
  expect(sent.html).toContain('run out');
  expect(await server.rooms.grants.live(server.account.id, client_id)).toEqual([]);
});

it('a browser that has allowed many apps carries no more for it than one that has allowed one', async () => {
  const alex = server.alex();
  const sizes: number[] = [];
  for (let app = 0; app < 12; app += 1) {
    await connect(server, { by: alex, params: { scope: 'library:read' } });
    sizes.push((alex.cookies.header(new URL(server.issuer)) ?? '').length);
  }
  expect(Math.max(...sizes) - (sizes[0] ?? 0)).toBeLessThan(8);
});

it('a scope cannot be ticked whole where it has tools', async () => {
  const { alex, url, csrf } = await atConsent('library:read library:write');
  const body = new URLSearchParams({ csrf, scope: 'library:write', decision: 'allow' });
  const { left } = await send(alex, url, body);
  expect(left?.searchParams.get('error')).toBe('access_denied');
});

describe('another browser', () => {
  it('that is not signed in cannot open or send the page', async () => {
    const { url, fields } = await atConsent();
    const stranger = person({ username: 'nobody', password: 'nothing at all' });
    expect((await stranger.visit(url)).status).toBeGreaterThanOrEqual(400);
    refused(await send(stranger, url, fields(['library:read search_books'])));
  });

  it('of the same person cannot either', async () => {
    const { url, fields } = await atConsent();
    const second = await server.signedIn();
    expect((await second.visit(url)).status).toBeGreaterThanOrEqual(400);
    refused(await send(second, url, fields(['library:read search_books'])));
  });

  it('with an interaction of its own cannot answer that one', async () => {
    const one = await atConsent();
    const two = await atConsent();
    refused(await send(two.alex, one.url, one.fields(['library:read search_books'])));
    const mixed = one.fields(['library:read search_books']);
    mixed.set('csrf', two.csrf);
    refused(await send(two.alex, one.url, mixed));
    expect((await send(two.alex, two.url, two.fields(['library:read search_books']))).left).toBeDefined();
  });

  it('with the cookie of its own interaction cannot open that one: the address and the cookie must agree', async () => {
    const [one, two] = [await atConsent(), await atConsent()];
    const cookie = two.alex.cookies.header(two.url) ?? '';
    expect((await fetch(two.url, { headers: { cookie } })).status).toBe(200);
    expect((await fetch(one.url, { headers: { cookie } })).status).toBeGreaterThanOrEqual(400);
    const body = two.fields(['library:read search_books']);
    const sent = await fetch(one.url, { method: 'POST', redirect: 'manual', headers: { cookie }, body });
    expect(sent.status).toBeGreaterThanOrEqual(400);
  });

  it('cannot go on where this one was', async () => {
    const { url } = await atConsent();
    const uid = url.pathname.split('/').at(-1);
    const response = await fetch(`${server.issuer}/authorize/${uid}`, { redirect: 'manual' });
    expect(response.status).toBe(400);
  });
});

describe('the form is refused', () => {
  it.each([
    ['no token', ''],
    ['a wrong token', 'x'.repeat(43)],
  ])('with %s', async (_what, csrf) => {
    const { alex, url, fields } = await atConsent();
    const body = fields(['library:read search_books']);
    body.set('csrf', csrf);
    refused(await send(alex, url, body));
  });

  it('from a foreign page, even with the right token', async () => {
    const { alex, url, fields } = await atConsent();
    const foreign = { origin: 'https://evil.example' };
    refused(await send(alex, url, fields(['library:read search_books']), foreign));
    refused(await send(alex, url, fields(['library:read search_books']), { 'sec-fetch-site': 'cross-site' }));
    refused(await send(alex, url, fields(['library:read search_books']), { origin: 'null' }));
  });

  it('with no decision, or an unknown one', async () => {
    const { alex, url, fields } = await atConsent();
    for (const decision of ['', 'maybe', 'allow deny']) {
      refused(await send(alex, url, fields(['library:read search_books'], decision)));
    }
    expect(
      (await send(alex, url, fields(['library:read search_books']))).left?.searchParams.has('code'),
    ).toBe(true);
  });
});

it('an answer sent twice gives one code; the second time the page has run out', async () => {
  const { alex, url, fields, redeem } = await atConsent();
  const first = await send(alex, url, fields(['library:read search_books']));
  const second = await send(alex, url, fields(['library:read search_books']));
  expect(second.left?.searchParams.has('code') ?? false).toBe(false);
  expect(second.status).toBeLessThan(500);
  expect((await redeem(first.left?.searchParams.get('code') ?? '')).status).toBe(200);
});

it('an answer sent twice at once is no fault, and what comes of it is one connection', async () => {
  const { alex, url, fields, client_id } = await atConsent();
  const both = await Promise.all([1, 2].map(() => send(alex, url, fields(['library:read search_books']))));
  for (const { status } of both) expect(status).toBeLessThan(500);
  expect(await server.rooms.grants.live(server.account.id, client_id)).toHaveLength(1);
});

it('one client on three machines, allowed by one person at the same moment, is connected on all three', async () => {
  const metadata = { software_id: 'the same app everywhere' };
  const scopes = ['library:read', 'library:read library:write', 'library:read'];
  const machines = await Promise.all(scopes.map((scope) => atConsent(scope, metadata)));
  expect(new Set(machines.map(({ client_id }) => client_id)).size).toBe(1);
  const codes = await Promise.all(
    machines.map(async ({ alex, url, fields }) => {
      const { left, html } = await send(alex, url, fields(['library:read search_books']));
      expect(left, html).toBeDefined();
      return left?.searchParams.get('code') ?? '';
    }),
  );
  const tokens = await Promise.all(codes.map((code, at) => machines[at]?.redeem(code)));
  expect(tokens.map((each) => each?.status)).toEqual([200, 200, 200]);
  const standing = await server.rooms.grants.live(server.account.id, machines[0]?.client_id ?? '');
  expect(standing).toHaveLength(1);
});

it('a person may say that they are somebody else, and the grant is that one\u2019s', async () => {
  const password = 'a long password of kim';
  const work = server.rooms.work();
  const kim = await server.rooms.accounts.add(work, { username: 'kim', password });
  await work.commit();
  const { alex, url, fields, redeem } = await atConsent();
  const asked = await send(alex, url, fields([], 'switch'));
  const signIn = formWith('password', asked);
  const consent = await send(
    alex,
    signIn.action,
    new URLSearchParams({ csrf: signIn.csrf, username: 'kim', password }),
  );
  const decide = formWith('decision', consent);
  expect(consent.html).toContain('kim');
  const ticks = { csrf: decide.csrf, tool: 'library:read search_books', decision: 'allow' };
  const { left } = await send(alex, decide.action, new URLSearchParams(ticks));
  const { body } = await redeem(left?.searchParams.get('code') ?? '');
  expect(claimsOf(body.access_token)['sub']).toBe(kim.id);
});
