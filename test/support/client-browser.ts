// What every browser story starts with: a Cardea that protects the library, an app that wants in, a Chromium.

import type { Browser, BrowserContextOptions, Page } from 'playwright';
import { libraryResource } from '../../examples/library/resource.ts';
import { launchBrowser } from './browser.ts';
import { startCardea } from './cardea.ts';
import { plainClient } from './client-plain.ts';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const resource = 'http://127.0.0.1:4100/mcp';

/**
 * Pages are made by `page()`, each in a browser profile of its own; `stop()` closes everything. `config` joins the
 * configuration; `port` is for stories whose upstreams have to know it beforehand.
 */
export const story = async ({
  config = {},
  port,
}: {
  config?: Record<string, unknown>;
  port?: number;
} = {}) => {
  const cardea = await startCardea({
    config: {
      resources: [libraryResource(resource, 'library-secret-of-a-test-library-secret')],
      clients: [{ id: 'tv', name: 'Television', grant_types: [DEVICE, 'refresh_token'] }],
      ...config,
    },
    ...(port === undefined ? {} : { port }),
  });
  const alex = { username: 'alex', password: 'a long password of a test person' };
  await cardea.addAccount(alex.username, alex.password);
  const browser: Browser = await launchBrowser();
  const app = await plainClient({ issuer: cardea.issuer, resource });
  return {
    issuer: cardea.issuer,
    resource,
    alex,
    app,
    page: async (options: BrowserContextOptions = {}): Promise<Page> => {
      const context = await browser.newContext(options);
      context.setDefaultTimeout(15_000);
      return context.newPage();
    },
    async stop(): Promise<void> {
      await app.close();
      await browser.close();
      await cardea.stop();
    },
  };
};

export type Story = Awaited<ReturnType<typeof story>>;

/** Fills and sends the sign-in form that `page` shows. */
export const signIn = async (page: Page, { username, password }: Story['alex']): Promise<void> => {
  await page.locator('input[name=username]').fill(username);
  await page.locator('input[name=password]').fill(password);
  await page.locator('form:has(input[name=password]) button[type=submit]').click();
};

/** The consent page's checkbox of a tool. */
export const toolBox = (page: Page, tool: string) => page.locator(`input[name=tool][value$=" ${tool}"]`);

/** Presses a button of the consent page. */
export const decide = (page: Page, decision: 'allow' | 'deny'): Promise<void> =>
  page.locator(`button[name=decision][value=${decision}]`).click();

/** What is in an access token, unverified. */
export const claimsOf = (accessToken: string | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from(accessToken?.split('.')[1] ?? '', 'base64url').toString() || '{}') as Record<
    string,
    unknown
  >;
