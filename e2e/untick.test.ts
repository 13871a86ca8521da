import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimsOf, decide, type Story, signIn, story, toolBox } from '../test/support/client-browser.ts';

let tale: Story;
beforeAll(async () => {
  tale = await story();
});
afterAll(() => tale?.stop());

test('what a person unticks is not in the token, and is still unticked the next time', async () => {
  const page = await tale.page();
  await page.goto(tale.app.begin('library:read'));
  await signIn(page, tale.alex);
  await toolBox(page, 'list_loans').uncheck();
  await decide(page, 'allow');
  const first = await tale.app.redeem(await tale.app.callback());
  const claims = claimsOf(first.body.access_token) as { scope: string; tools?: Record<string, string[]> };
  expect(claims.scope.split(' ')).toContain('library:read');
  expect(claims.tools?.['library:read']).toContain('search_books');
  expect(claims.tools?.['library:read']).not.toContain('list_loans');

  await page.goto(tale.app.begin('library:read'));
  await toolBox(page, 'list_loans').waitFor();
  expect(await toolBox(page, 'list_loans').isChecked()).toBe(false);
  expect(await toolBox(page, 'search_books').isChecked()).toBe(true);
  await toolBox(page, 'list_loans').check();
  await decide(page, 'allow');
  const second = await tale.app.redeem(await tale.app.callback());
  expect(claimsOf(second.body.access_token).tools).toBeUndefined();
});

test('what an app asks for the first time is marked as new', async () => {
  const page = await tale.page();
  await page.goto(tale.app.begin('library:read library:lend'));
  await signIn(page, tale.alex);
  const row = (tool: string) => page.locator('label', { has: toolBox(page, tool) });
  expect(await row('borrow_book').textContent()).toMatch(/\bNew\b/);
  expect(await row('search_books').textContent()).not.toMatch(/\bNew\b/);
});
