import { afterAll, beforeAll, expect, test } from 'vitest';
import { decide, type Story, signIn, story, toolBox } from '../test/support/client-browser.ts';

let tale: Story;
beforeAll(async () => {
  tale = await story();
});
afterAll(() => tale?.stop());

test('everything works with JavaScript off: sign in, untick, allow, end the connection, sign out', async () => {
  const page = await tale.page({ javaScriptEnabled: false });
  await page.goto(tale.app.begin());
  await signIn(page, tale.alex);
  await toolBox(page, 'list_loans').uncheck();
  await decide(page, 'allow');
  const { body } = await tale.app.redeem(await tale.app.callback());

  await page.goto(`${tale.issuer}/connections`);
  await page.locator('form[action$="/connections/end"] button').click();
  await page.getByRole('status').waitFor();
  expect((await tale.app.refresh(body.refresh_token ?? '')).body.error).toBe('invalid_grant');

  await page.goto(`${tale.issuer}/sign-out`);
  await page.locator('main form button[type=submit]').click();
  await page.goto(`${tale.issuer}/connections`);
  expect(await page.locator('input[name=password]').count()).toBe(1);
});
