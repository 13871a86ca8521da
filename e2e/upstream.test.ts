// Signing in with the company's own provider, and with GitHub: real pages of theirs, a real browser of ours.

import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../test/support/cardea.ts';
import { decide, type Story, signIn, story, toolBox } from '../test/support/client-browser.ts';
import { type GitHub, github, octo } from '../test/support/github.ts';
import { look, SCREENS } from '../test/support/look.ts';
import { CLIENT, company } from '../test/support/upstream-company.ts';

let tale: Story;
let acme: Awaited<ReturnType<typeof company>>;
let hub: GitHub;

beforeAll(async () => {
  const port = await freePort();
  const callback = (name: string): string => `http://127.0.0.1:${port}/upstream/${name}/callback`;
  acme = await company(callback('acme'), {
    clients: [{ ...CLIENT, secret: 'a-secret-of-the-company-0001', redirectUris: [callback('acme')] }],
  });
  hub = await github({ secret: 'a-secret-at-github-0001' });
  const resource = 'http://127.0.0.1:4100/mcp';
  tale = await story({
    port,
    config: {
      upstreams: [
        {
          ...{ name: 'acme', kind: 'oidc', label: 'Acme', issuer: acme.issuer, client_id: CLIENT.id },
          client_secret: 'a-secret-of-the-company-0001',
        },
        {
          ...{ name: 'github', kind: 'github', label: 'GitHub', issuer: hub.origin, client_id: 'Iv1.cardea' },
          ...{ client_secret: 'a-secret-at-github-0001', allow: { accounts: ['octo', 'alex-hub'] } },
        },
      ],
      policy: {
        ceilings: [
          { resource, upstream: 'acme', groups: ['librarians'] },
          { resource, upstream: 'acme', groups: ['staff'], scopes: ['library:read'] },
          { resource, upstream: 'github' },
        ],
      },
    },
  });
});
afterAll(async () => {
  await tale?.stop();
  await acme?.close();
  await hub?.close();
});

const go = (page: Page, upstream: string): Promise<void> =>
  page.locator(`button[name=upstream][value=${upstream}]`).click();
/** Signs in on the upstream's own page. */
const be = (page: Page, login: string): Promise<void> =>
  page.locator(`button[name=login][value=${login}]`).click();
const text = (page: Page): Promise<string | null> => page.locator('main').textContent();

test('a person signs in at their company, sees who asks before and what is asked after, and allows it', async () => {
  const page = await tale.page();
  await page.goto(tale.app.begin());
  expect(await text(page)).toContain('Story client');
  await go(page, 'acme');
  expect(new URL(page.url()).origin).toBe(acme.issuer);
  await be(page, 'kim');
  expect(await text(page)).toContain('Kim Lee');
  await decide(page, 'allow');
  const { status } = await tale.app.redeem(await tale.app.callback());
  expect(status).toBe(200);
  await page.context().close();
});

test('a colleague with fewer groups is offered less, and another person at this browser is themselves', async () => {
  const page = await tale.page();
  await page.goto(tale.app.begin('library:read library:lend'));
  await go(page, 'acme');
  await be(page, 'sam');
  expect(await text(page)).toContain('Sam Roy');
  expect(await toolBox(page, 'search_books').count()).toBe(1);
  expect(await page.locator('input[name=tool][value^="library:lend"]').count()).toBe(0);
  await page.locator('button[name=decision][value=switch]').click();
  await go(page, 'github');
  await be(page, 'octo');
  expect(await text(page)).toContain('Octo Cat');
  await decide(page, 'allow');
  expect((await tale.app.callback()).searchParams.get('code')).toBeTruthy();
  await page.context().close();
});

test('neither somebody else’s account nor one that is not let in becomes a way in', async () => {
  const page = await tale.page();
  await page.goto(`${tale.issuer}/sign-in`);
  await go(page, 'acme');
  await be(page, 'kim');
  await page.waitForURL(`${tale.issuer}/connections`);
  await go(page, 'github');
  await be(page, 'octo');
  // octo has an account of their own from the story before
  expect(await text(page)).toContain('already belongs to another account');
  hub.people.push({ ...octo(), id: 7, login: 'kim-at-home', name: 'Kim' });
  await page.goto(`${tale.issuer}/connections`);
  await go(page, 'github');
  await be(page, 'kim-at-home');
  expect(await text(page)).toContain('This server lets in only people it has on a list');
  await page.context().close();
});

test('a person adds a second way in, comes in by it, and removes it', async () => {
  hub.people.push({ ...octo(), id: 10, login: 'alex-hub', name: 'Alex at GitHub' });
  const page = await tale.page();
  await page.goto(`${tale.issuer}/sign-in`);
  await signIn(page, tale.alex);
  await go(page, 'github');
  await be(page, 'alex-hub');
  expect(await text(page)).toContain('You can sign in with GitHub from now on');
  await page.context().clearCookies();
  await page.goto(tale.app.begin());
  await go(page, 'github');
  await be(page, 'alex-hub');
  expect(await page.locator('body').textContent()).not.toContain('Alex at GitHub'); // it is alex of here
  await page.goto(`${tale.issuer}/connections`);
  await page.locator('form[action$="/connections/ways-in/remove"] button').click();
  expect(await text(page)).toContain('GitHub no longer signs you in here');
  await page.context().close();
});

test('a person whom a rule keeps out is told which, and comes in as somebody else', async () => {
  hub.people.push({ ...octo(), id: 9, login: 'stranger', name: 'Stranger' });
  const page = await tale.page();
  await page.goto(tale.app.begin());
  await go(page, 'github');
  await be(page, 'stranger');
  expect(await text(page)).toContain('This server lets in only people it has on a list');
  await page.locator('main a.button').click();
  await go(page, 'acme');
  await be(page, 'kim');
  expect(await text(page)).toContain('Kim Lee');
  await decide(page, 'allow');
  expect((await tale.app.callback()).searchParams.get('code')).toBeTruthy();
  await page.context().close();
});

test('a person who says no at the company is back at the button, and may leave', async () => {
  const page = await tale.page();
  await page.goto(tale.app.begin());
  await go(page, 'acme');
  await page.locator('button[name=cancel]').click();
  expect(await text(page)).toContain('Acme did not sign you in');
  await page.locator('button[name=cancel]').click();
  expect((await tale.app.callback()).searchParams.get('error')).toBe('access_denied');
  await page.context().close();
});

describe.each(SCREENS)('in $colorScheme, $width pixels wide', ({ screen }) => {
  test('axe finds nothing wrong with any of these pages, and none scrolls sideways', async () => {
    const page = await tale.page(screen);
    await page.goto(tale.app.begin('library:read library:lend'));
    await look(page, 'sign-in');
    await go(page, 'acme');
    await page.locator('button[name=cancel]').click();
    await look(page, 'sign-in after a no');
    await go(page, 'acme');
    await be(page, 'sam');
    await look(page, 'consent to less');
    await page.goto(`${tale.issuer}/connections`);
    await look(page, 'ways in');
    await page.goto(`${tale.issuer}/sign-in?again=1&to=/connections`);
    await look(page, 'once more');
    await page.goto(tale.app.begin('library:lend'));
    await look(page, 'nothing to allow');
    await page.locator('button[name=decision][value=switch]').click();
    if (!hub.people.some(({ login }) => login === 'uninvited'))
      hub.people.push({ ...octo(), id: 8, login: 'uninvited', name: 'Uninvited' });
    await go(page, 'github');
    await be(page, 'uninvited');
    await look(page, 'not let in');
    await page.locator('main a.button').click();
    await look(page, 'after not being let in');
    await page.context().close();
  });
});
