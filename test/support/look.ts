// A page looked over as by somebody who cannot see it or has little room: on two screens, in light and dark.

import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright';
import { expect } from 'vitest';

/** For `describe.each`; `screen` is what a page is made with. */
export const SCREENS = (
  [
    { colorScheme: 'light', width: 1280 },
    { colorScheme: 'dark', width: 320 },
  ] as const
).map((each) => ({
  ...each,
  screen: { colorScheme: each.colorScheme, viewport: { width: each.width, height: 800 } },
}));

/**
 * Fails where axe finds anything, or the page scrolls sideways. With CARDEA_PICTURES, a directory, a picture of it is
 * there afterwards.
 */
export async function look(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target }) => `${id}: ${help} (${target.join(' ')})`),
  );
  expect(found, name).toEqual([]);
  const over = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  expect(await page.evaluate(over), `${name} scrolls sideways`).toBe(0);
  const pictures = process.env['CARDEA_PICTURES'];
  if (!pictures) return;
  const width = page.viewportSize()?.width;
  const file = name.replace(/\W+/g, '-').replace(/^-|-$/g, '') || 'root';
  await page.screenshot({ path: `${pictures}/${file}-${width}.png`, fullPage: true });
}
