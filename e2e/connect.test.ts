// A tool needs what a person has elsewhere: asked for at the moment, connected on a page of ours and one of theirs,
// ended by the person or over there. And a key that is pasted, where the upstream knows nothing else.

import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { libraryResource } from '../examples/library/resource.ts';
import { freePort } from '../test/support/cardea.ts';
import { decide, type Story, signIn, story } from '../test/support/client-browser.ts';
import { look, SCREENS } from '../test/support/look.ts';
import { CLIENT, company } from '../test/support/upstream-company.ts';

const SERVER = { id: 'library-server', secret: 'library-secret-of-a-test-library-secret' };

const SECRET = 'a-secret-of-the-company-0001';

let tale: Story;
let acme: Awaited<ReturnType<typeof company>>;

beforeAll(async () => {
  const port = await freePort();
  const back = `http://127.0.0.1:${port}/upstream/company/callback`;
  acme = await company(back, { clients: [{ ...CLIENT, secret: SECRET, redirectUris: [back] }] });
  const library = libraryResource('http://127.0.0.1:4100/mcp', SERVER.secret, { calendar: true });
  const weather = { name: 'weather', purpose: 'look at the sky' };
  tale = await story({
    port,
    config: {
      resources: [{ ...library, upstreams: [...(library.upstreams ?? []), weather] }],
      upstreams: [
        {
          ...{ name: 'company', kind: 'oidc', label: 'Acme', issuer: acme.issuer, client_id: CLIENT.id },
          ...{ client_secret: SECRET, vault: { scopes: ['offline_access', 'calendar:read'] } },
        },
        { name: 'weather', kind: 'key', label: 'Weather Desk', hint: 'weather.example/keys' },
      ],
    },
  });
});
afterAll(async () => {
  await tale?.stop();
  await acme?.close();
});

const text = (page: Page): Promise<string | null> => page.locator('main').textContent();

/** The library asks for what the person has at `upstream`, with their token. */
async function ask(token: string, upstream: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${tale.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${SERVER.id}:${SERVER.secret}`).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: upstream,
    }),
  });
  return (await response.json()) as Record<string, unknown>;
}

/** Alex, with an app that has a token. */
async function connected(page: Page): Promise<string> {
  await page.goto(tale.app.begin());
  await signIn(page, tale.alex);
  expect(await text(page)).toContain('Acme');
  await decide(page, 'allow');
  const { body } = await tale.app.redeem(await tale.app.callback());
  return String(body['access_token']);
}

test('a person connects their calendar when a tool needs it, and ends it when they like', async () => {
  const page = await tale.page();
  const token = await connected(page);
  const refused = await ask(token, 'company');
  expect(refused['error']).toBe('connect_required');
  const link = String(refused['connect_uri']);

  await page.goto(link);
  const asked = await text(page);
  for (const words of ['Town Library needs your Acme account', 'read your calendar', 'Story client'])
    expect(asked).toContain(words);
  expect(new URL(page.url()).origin).toBe(tale.issuer); // nothing has gone to Acme yet
  await page.locator('button[name=go]').click();
  expect(new URL(page.url()).origin).toBe(acme.issuer);
  await page.locator('button[name=login][value=kim]').click();
  await page.locator('button[name=allow]').click();
  expect(await text(page)).toContain('Acme is connected. You can return to the app.');

  const { access_token: given } = await ask(token, 'company');
  const calendar = () => fetch(acme.calendar, { headers: { authorization: `Bearer ${given}` } });
  expect(await (await calendar()).text()).toContain('atlas');
  await page.goto(link);
  expect(await text(page)).toContain('used or has run out');

  await page.goto(`${tale.issuer}/connections`);
  await page.locator('form[action$="/connections/upstreams/end"] button').click();
  expect(await text(page)).toContain('Your Acme account is no longer connected.');
  expect((await ask(token, 'company'))['error']).toBe('connect_required');
  await expect.poll(async () => (await calendar()).status, { timeout: 15_000 }).toBe(401);
  await page.context().close();
});

test('somebody else at that browser cannot connect their account for the first one’s app', async () => {
  const page = await tale.page();
  const token = await connected(page);
  const link = String((await ask(token, 'company'))['connect_uri']);
  await page.context().clearCookies();
  await page.goto(link);
  expect(new URL(page.url()).pathname).toBe('/sign-in');
  await page.locator('button[name=upstream][value=company]').click();
  await page.locator('button[name=login][value=sam]').click();
  expect(await text(page)).toContain('This link was made for somebody else');
  await page.context().close();
});

test('a key is pasted on a page that says where to find it, and what was mistyped may be typed again', async () => {
  const page = await tale.page();
  const token = await connected(page);
  await page.goto(String((await ask(token, 'weather'))['connect_uri']));
  expect(await text(page)).toContain('weather.example/keys');
  await page.locator('input[name=key]').fill('no');
  await page.locator('button[name=go]').click();
  expect(await page.locator('#key-error').textContent()).toContain('8 to 4096');
  await page.locator('input[name=key]').fill('wx-0123456789abcdef');
  await page.locator('button[name=go]').click();
  expect(await text(page)).toContain('Weather Desk is connected');
  expect((await ask(token, 'weather'))['access_token']).toBe('wx-0123456789abcdef');
  await page.goto(`${tale.issuer}/connections`);
  expect(await text(page)).toContain('…cdef');
  expect(await page.content()).not.toContain('0123456789');
  await page.context().close();
});

describe.each(SCREENS)('in $colorScheme, $width pixels wide', ({ screen }) => {
  test('axe finds nothing wrong with these pages, and none scrolls sideways', async () => {
    const page = await tale.page(screen);
    const token = await connected(page);
    await page.goto(String((await ask(token, 'company'))['connect_uri']));
    await look(page, 'connect');
    await page.locator('button[name=go]').click();
    await page.locator('button[name=login][value=kim]').click();
    const allow = page.locator('button[name=allow]');
    if (await allow.count()) await allow.click();
    await look(page, 'connected');
    await page.goto(`${tale.issuer}/connections`);
    await look(page, 'what servers may use');
    await page.locator('form[action$="/connections/upstreams/end"] button').first().click();
    await look(page, 'ended');
    const again = await ask(token, 'company');
    if (again['error'] === 'connect_required') await page.goto(String(again['connect_uri']));
    await look(page, 'connect once more');
    await page.context().close();
  });
});
