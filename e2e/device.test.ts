import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { claimsOf, decide, type Story, signIn, story, toolBox } from '../test/support/client-browser.ts';
import { look, SCREENS } from '../test/support/look.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

describe.each(SCREENS)('in $colorScheme, $width pixels wide', ({ screen }) => {
  let tale: Story;
  beforeAll(async () => {
    tale = await story();
  });
  afterAll(() => tale?.stop());

  const post = async (path: string, fields: Record<string, string>) => {
    const response = await fetch(tale.issuer + path, { method: 'POST', body: new URLSearchParams(fields) });
    return (await response.json()) as Record<string, string>;
  };

  test('a person connects a device that has no browser, tool by tool, and no page has a fault that axe can see', async () => {
    const page = await tale.page(screen);
    const asked = await post('/device_authorization', {
      client_id: 'tv',
      resource: tale.resource,
      scope: 'library:read',
    });
    await page.goto(asked['verification_uri_complete'] ?? '');
    await signIn(page, tale.alex);
    await look(page, 'device');
    expect(await page.locator('input[name=user_code]').inputValue()).toBe(asked['user_code']);
    await page.locator('button[type=submit]').click();
    await look(page, 'device-consent');
    expect(await page.locator('dl.facts').textContent()).toContain(asked['user_code']);
    await toolBox(page, 'list_loans').uncheck();
    await decide(page, 'allow');
    await page.waitForURL(`${tale.issuer}/device/allowed`);
    await look(page, 'device-allowed');
    const redeem = { grant_type: GRANT, client_id: 'tv', device_code: asked['device_code'] ?? '' };
    const tokens = await post('/token', redeem);
    expect(claimsOf(tokens['access_token'])['tools']).toMatchObject({
      'library:read': expect.not.arrayContaining(['list_loans']),
    });
  });
});
