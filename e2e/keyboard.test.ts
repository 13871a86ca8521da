import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimsOf, decide, type Story, signIn, story, toolBox } from '../test/support/client-browser.ts';

let tale: Story;
beforeAll(async () => {
  tale = await story();
});
afterAll(() => tale?.stop());

const mostTabs = 60;

/** Presses Tab until the element that `selector` names has the focus, and that focus can be seen. */
const tabTo = async (page: Page, selector: string): Promise<void> => {
  for (let presses = 0; presses < mostTabs; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = page.locator(`${selector}:focus`);
    if ((await focused.count()) === 0) continue;
    expect(await page.locator(`${selector}:focus-visible`).count()).toBe(1);
    return;
  }
  throw new Error(`${selector} cannot be reached with Tab`);
};

test('the whole way works with the keyboard alone', async () => {
  const page = await tale.page();
  await page.goto(tale.app.begin());
  await tabTo(page, 'input[name=username]');
  await page.keyboard.type(tale.alex.username);
  await tabTo(page, 'input[name=password]');
  await page.keyboard.type(tale.alex.password);
  await page.keyboard.press('Enter');

  await toolBox(page, 'list_loans').waitFor();
  await tabTo(page, 'input[name=tool][value$=" list_loans"]');
  await page.keyboard.press('Space');
  expect(await toolBox(page, 'list_loans').isChecked()).toBe(false);
  await tabTo(page, 'button[name=decision][value=allow]');
  await page.keyboard.press('Enter');

  const { status, body } = await tale.app.redeem(await tale.app.callback());
  expect(status).toBe(200);
  const { tools } = claimsOf(body.access_token) as { tools?: Record<string, string[]> };
  expect(tools?.['library:read']).toBeDefined();
  expect(tools?.['library:read']).not.toContain('list_loans');
});

test('pressing Enter in the password field does not also decide about consent', async () => {
  const page = await tale.page();
  await page.goto(tale.app.begin());
  await page.locator('input[name=username]').fill(tale.alex.username);
  await page.locator('input[name=password]').fill(tale.alex.password);
  await page.keyboard.press('Enter');
  await page.locator('button[name=decision][value=allow]').waitFor();
  const focused = await page.evaluate('document.activeElement?.getAttribute("name") ?? null');
  expect(focused).not.toBe('decision');
});

test('pressing Enter at a box of the consent page allows nothing: only its button does', async () => {
  const page = await tale.page();
  await page.goto(tale.app.begin());
  await signIn(page, tale.alex);
  const box = toolBox(page, 'list_loans');
  const before = await box.isChecked();
  await box.focus();
  for (let press = 0; press < 5; press += 1) await page.keyboard.press('Enter');
  await page.keyboard.press('Space');
  expect(await box.isChecked()).toBe(!before);
  expect(new URL(page.url()).pathname).toMatch(/^\/interaction\//);
  await decide(page, 'allow');
  expect((await tale.app.callback()).searchParams.get('code')).toBeTruthy();
});
