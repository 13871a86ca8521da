import { afterAll, beforeAll, describe, test } from 'vitest';
import { decide, type Story, signIn, story } from '../test/support/client-browser.ts';
import { look, SCREENS } from '../test/support/look.ts';

describe.each(SCREENS)('in $colorScheme, $width pixels wide', ({ screen }) => {
  let tale: Story;
  beforeAll(async () => {
    tale = await story();
  });
  afterAll(() => tale?.stop());

  test('axe finds nothing wrong with any page of the flow, and none scrolls sideways', async () => {
    const page = await tale.page(screen);
    await page.goto(tale.app.begin());
    await look(page, 'sign-in');
    await signIn(page, { ...tale.alex, password: 'not the password' });
    await look(page, 'sign-in refused');
    await signIn(page, tale.alex);
    await look(page, 'consent');
    await decide(page, 'allow');
    await tale.app.callback();
    for (const path of ['/', '/connections', '/sign-out', '/no-such-page', '/authorize']) {
      await page.goto(`${tale.issuer}${path}`);
      await look(page, path);
    }
    await page.goto(`${tale.issuer}/connections`);
    await page.locator('form[action$="/connections/end"] button').click();
    await look(page, 'connections, ended');
  });
});
