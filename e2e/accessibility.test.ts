import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decide, type Story, signIn, story } from '../test/support/client-browser.ts';

const violations = async (page: Page): Promise<string[]> => {
  const found = await new AxeBuilder({ page }).analyze();
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target }) => `${id}: ${help} (${target.join(' ')})`),
  );
};

const scroll = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';

describe.each([
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 320 },
] as const)('in $colorScheme, $width pixels wide', ({ colorScheme, width }) => {
  let tale: Story;
  beforeAll(async () => {
    tale = await story();
  });
  afterAll(() => tale?.stop());

  test('axe finds nothing wrong with any page of the flow, and none scrolls sideways', async () => {
    const page = await tale.page({ colorScheme, viewport: { width, height: 800 } });
    const look = async (name: string): Promise<void> => {
      expect(await violations(page), name).toEqual([]);
      expect(await page.evaluate(scroll), `${name} scrolls sideways`).toBe(0);
    };
    await page.goto(tale.app.begin());
    await look('sign-in');
    await signIn(page, { ...tale.alex, password: 'not the password' });
    await look('sign-in refused');
    await signIn(page, tale.alex);
    await look('consent');
    await decide(page, 'allow');
    await tale.app.callback();
    for (const path of ['/', '/connections', '/sign-out', '/no-such-page', '/authorize']) {
      await page.goto(`${tale.issuer}${path}`);
      await look(path);
    }
    await page.goto(`${tale.issuer}/connections`);
    await page.locator('form[action$="/connections/end"] button').click();
    await look('connections, ended');
  });
});
