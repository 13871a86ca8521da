import { readFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { render } from '../../views/html.ts';
import { launchBrowser } from '../support/browser.ts';
import { hostile, ordinary, pages } from './models.ts';

const css = readFileSync(new URL('../../views/public/cardea.css', import.meta.url), 'utf8');
// As strict as the server's own: whatever a page needs beyond it is missing here too.
const policy =
  "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
}, 60_000);
afterAll(() => browser?.close());

const screens = [
  { scheme: 'light', width: 320, height: 640 },
  { scheme: 'dark', width: 320, height: 640 },
  { scheme: 'light', width: 1280, height: 800 },
  { scheme: 'dark', width: 1280, height: 800 },
] as const;

const open = async (
  { scheme, width, height }: (typeof screens)[number],
  { strings = ordinary, bypassCSP = false } = {},
) => {
  const models = pages(strings);
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    bypassCSP,
  });
  await context.route('**/*', (route) => {
    const path = new URL(route.request().url()).pathname;
    if (path === '/public/cardea.css') return route.fulfill({ contentType: 'text/css', body: css });
    const model = models[decodeURIComponent(path.slice(1))];
    if (!model) return route.fulfill({ status: 404, body: '' });
    const headers = { 'content-security-policy': policy };
    return route.fulfill({ contentType: 'text/html; charset=utf-8', headers, body: render(model) });
  });
  return { page: await context.newPage(), names: Object.keys(models), close: () => context.close() };
};

describe.each(screens)('on a $scheme screen $width wide', (screen) => {
  it('no page has an accessibility fault that axe can see', { timeout: 180_000 }, async () => {
    // axe puts a script of its own into the page, so the policy is kept to the tests below.
    const { page, names, close } = await open(screen, { bypassCSP: true });
    const faults: string[] = [];
    for (const name of names) {
      await page.goto(`http://cardea.test/${encodeURIComponent(name)}`);
      // What is folded away is judged as well.
      for (const summary of await page.locator('summary').all()) await summary.click();
      const { violations } = await new AxeBuilder({ page }).analyze();
      for (const { id, nodes } of violations) faults.push(`${name}: ${id} at ${nodes[0]?.target.join(' ')}`);
    }
    await close();
    expect(faults).toEqual([]);
  });
});

describe('on a screen 320 wide', () => {
  it.each([['ordinary', ordinary] as const, ['hostile', hostile] as const])(
    'no page made of %s words is wider than the screen, or breaks the policy',
    { timeout: 120_000 },
    async (_, strings) => {
      const { page, names, close } = await open(screens[0], { strings });
      const faults: string[] = [];
      page.on('console', (message) => faults.push(message.text()));
      for (const name of names) {
        await page.goto(`http://cardea.test/${encodeURIComponent(name)}`);
        const over = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
        if (over > 0) faults.push(`${name}: ${over} pixels`);
      }
      await close();
      expect(faults).toEqual([]);
    },
  );
});
