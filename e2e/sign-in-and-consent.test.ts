import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { claimsOf, decide, type Story, signIn, story, toolBox } from '../test/support/client-browser.ts';

describe('a person lets an app use the library', () => {
  let tale: Story;
  beforeAll(async () => {
    tale = await story();
  });
  afterAll(() => tale?.stop());

  test('signs in, sees who asks and for what, allows, and is back in the app', async () => {
    const page = await tale.page();
    const complaints: string[] = [];
    page.on('console', (message) => {
      // Chromium reports what a Content-Security-Policy stopped here.
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(tale.app.begin());
    expect(await page.locator('main').textContent()).toContain('Story client');
    await signIn(page, tale.alex);

    const said = await page.locator('main').textContent();
    expect(said).toContain('Story client');
    expect(said).toContain('Town Library');
    expect(said).toContain(tale.resource);
    expect(said).toContain(new URL(tale.app.redirectUri).host);
    await toolBox(page, 'search_books').waitFor();
    expect(await toolBox(page, 'search_books').isChecked()).toBe(true);
    await decide(page, 'allow');

    const callback = await tale.app.callback();
    await page.getByRole('heading', { name: 'Back in the app' }).waitFor();
    expect(callback.searchParams.getAll('state')).toEqual(['a/state=of the story']);
    expect(callback.searchParams.getAll('iss')).toEqual([tale.issuer]);
    const { status, body } = await tale.app.redeem(callback);
    expect(status).toBe(200);
    expect(claimsOf(body.access_token)).toMatchObject({ aud: tale.resource, iss: tale.issuer });
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('a wrong password is said to be wrong, and the right one then works', async () => {
    const page = await tale.page();
    await page.goto(tale.app.begin());
    await signIn(page, { ...tale.alex, password: 'not the password' });
    await page.getByRole('alert').waitFor();
    expect(await page.locator('input[name=username]').inputValue()).toBe(tale.alex.username);
    await signIn(page, tale.alex);
    await decide(page, 'allow');
    expect((await tale.app.callback()).searchParams.get('code')).toBeTruthy();
    await page.context().close();
  });

  test('a person already signed in is asked to consent at once', async () => {
    const page = await tale.page();
    await page.goto(tale.app.begin());
    await signIn(page, tale.alex);
    await decide(page, 'allow');
    await tale.app.callback();
    await page.goto(tale.app.begin());
    expect(await page.locator('input[name=password]').count()).toBe(0);
    await decide(page, 'allow');
    expect((await tale.app.callback()).searchParams.get('code')).toBeTruthy();
    await page.context().close();
  });
});
