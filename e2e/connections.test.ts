import { afterAll, beforeAll, expect, test } from 'vitest';
import { decide, type Story, signIn, story } from '../test/support/client-browser.ts';
import { type PlainClient, plainClient } from '../test/support/client-plain.ts';

let tale: Story;
const others: PlainClient[] = [];
beforeAll(async () => {
  tale = await story();
  for (const name of ['Second app', 'Third app']) {
    others.push(await plainClient({ issuer: tale.issuer, resource: tale.resource, name }));
  }
});
afterAll(async () => {
  for (const other of others) await other.close();
  await tale?.stop();
});

test('a person sees every connection, ends one, then all, and what was ended is dead', async () => {
  const page = await tale.page();
  const refreshTokens: string[] = [];
  const apps = [tale.app, ...others];
  for (const [index, app] of apps.entries()) {
    await page.goto(app.begin());
    if (index === 0) await signIn(page, tale.alex);
    await decide(page, 'allow');
    const { body } = await app.redeem(await app.callback());
    refreshTokens.push(body.refresh_token ?? '');
  }

  const main = page.locator('main');
  const endForms = page.locator('form[action$="/connections/end"]');
  await page.goto(`${tale.issuer}/connections`);
  expect(await endForms.count()).toBe(3);
  for (const name of ['Story client', 'Second app', 'Third app'])
    expect(await main.textContent()).toContain(name);

  await page
    .locator('li', { hasText: 'Second app' })
    .locator('form[action$="/connections/end"] button')
    .click();
  await page.getByRole('status').waitFor();
  expect(await endForms.count()).toBe(2);
  const ended = await apps[1]?.refresh(refreshTokens[1] ?? '');
  expect(ended).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  const kept = await apps[0]?.refresh(refreshTokens[0] ?? '');
  expect(kept?.status).toBe(200);

  await page
    .locator('details', { has: page.locator('form[action$="/connections/end-all"]') })
    .locator('summary')
    .click();
  await page.locator('form[action$="/connections/end-all"] button').click();
  await page.getByRole('status').waitFor();
  expect(await endForms.count()).toBe(0);
  const dead = await apps[0]?.refresh(kept?.body.refresh_token ?? '');
  expect(dead).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  const third = await apps[2]?.refresh(refreshTokens[2] ?? '');
  expect(third).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
});

test('a browser that is not signed in is asked to sign in before it sees connections', async () => {
  const page = await tale.page();
  await page.goto(`${tale.issuer}/connections`);
  await signIn(page, tale.alex);
  expect(new URL(page.url()).pathname).toBe('/connections');
});
