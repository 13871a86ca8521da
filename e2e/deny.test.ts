import { afterAll, beforeAll, expect, test } from 'vitest';
import { decide, type Story, signIn, story } from '../test/support/client-browser.ts';

let tale: Story;
beforeAll(async () => {
  tale = await story();
});
afterAll(() => tale?.stop());

test('a person who denies is back in the app, which is told so and given nothing', async () => {
  const page = await tale.page();
  await page.goto(tale.app.begin());
  await signIn(page, tale.alex);
  await decide(page, 'deny');
  const callback = await tale.app.callback();
  // RFC 6749 §4.1.2.1, and RFC 9207 §2: errors carry iss as well.
  expect(callback.searchParams.get('error')).toBe('access_denied');
  expect(callback.searchParams.get('iss')).toBe(tale.issuer);
  expect(callback.searchParams.get('state')).toBe('a/state=of the story');
  expect(callback.searchParams.has('code')).toBe(false);

  await page.goto(`${tale.issuer}/connections`);
  expect(await page.locator('main').textContent()).not.toContain('Story client');
});
