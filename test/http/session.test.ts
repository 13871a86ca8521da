// The browser's session: what its cookie looks like, whose it is, how long it lasts, and how it ends. THREATS K01 to K09.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { later } from '../support/later.ts';
import { person } from '../support/person.ts';
import { form, type House, openHouse } from './house.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());

const SESSION = 'cardea_session';
const alex = () => person(house.alex);
const signedIn = async () => {
  const by = alex();
  await by.signIn(house.issuer);
  return by;
};
const cookieOf = (by: ReturnType<typeof alex>): string => by.cookies.header(new URL(house.issuer)) ?? '';
const partOf = (header: string, name = SESSION): string =>
  new RegExp(`(?:^|; )${name}=([^;]*)`).exec(header)?.[1] ?? '';
/** Where these cookies lead at /connections; undefined when it is shown. */
const sentTo = async (cookie: string): Promise<string | null> =>
  (await house.ask('/connections', { headers: { cookie } })).headers.get('location');

test('under https every cookie is Secure, HttpOnly, of this host alone and not sent along by other sites', async () => {
  const issuer = 'https://auth.example';
  const https = await openHouse({ env: { CARDEA_ISSUER: issuer } });
  try {
    const ask = (line: string, headers = '', body = '') =>
      https.raw(
        `${line} HTTP/1.1\r\nHost: auth.example\r\nConnection: close\r\nAccept: text/html\r\n${headers}\r\n${body}`,
      );
    const cookiesIn = (answer: string): string[] =>
      [...answer.matchAll(/^set-cookie: (.*)\r$/gim)].map(([, value]) => value ?? '');
    const page = await ask('GET /sign-in');
    const csrf = /name="csrf" value="([^"]*)"/.exec(page)?.[1] ?? '';
    const cookie = cookiesIn(page)
      .map((each) => each.split(';')[0])
      .join('; ');
    const body = new URLSearchParams({ ...https.alex, csrf }).toString();
    const headers = `Cookie: ${cookie}\r\nOrigin: ${issuer}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n`;
    const answer = await ask('POST /sign-in', headers, body);
    expect(answer).toMatch(/^HTTP\/1\.1 303 /);
    const set = [...cookiesIn(page), ...cookiesIn(answer)];
    expect(set.some((each) => each.startsWith(`__Host-${SESSION}=`))).toBe(true);
    for (const each of set) {
      expect(each).toMatch(/^__Host-/);
      expect(each).toMatch(/; secure(;|$)/i);
      expect(each).toMatch(/; httponly(;|$)/i);
      expect(each).toMatch(/; samesite=lax(;|$)/i);
      expect(each).toMatch(/; path=\/(;|$)/i);
      expect(each).not.toMatch(/; domain=/i);
    }
  } finally {
    await https.close();
  }
});

describe('a session id', () => {
  test('that was there before the sign-in is worth nothing after it', async () => {
    const by = await signedIn();
    const planted = partOf(cookieOf(by));
    await by.send(
      await by.visit(`${house.issuer}/sign-in?again=1`),
      ({ action }) => action.includes('/sign-in'),
      {
        ...house.alex,
      },
    );
    const now = cookieOf(by);
    expect(partOf(now)).not.toBe(planted);
    expect(await sentTo(now)).toBeNull();
    // with the signature that it had, and with the one that is right for the other
    const signature = partOf(now, `${SESSION}.sig`);
    expect(await sentTo(`${SESSION}=${planted}; ${SESSION}.sig=${signature}`)).toContain('/sign-in');
  });

  test('that nobody was given, is changed by a letter, or comes without its signature opens nothing', async () => {
    const cookie = cookieOf(await signedIn());
    expect(await sentTo(cookie)).toBeNull();
    const [id, signature] = [partOf(cookie), partOf(cookie, `${SESSION}.sig`)];
    const changed = `${id.slice(0, -1)}${id.endsWith('A') ? 'B' : 'A'}`;
    for (const forged of [
      `${SESSION}=${id}`,
      `${SESSION}=${changed}; ${SESSION}.sig=${signature}`,
      `${SESSION}=${id}; ${SESSION}.sig=${signature.slice(0, -2)}`,
      `${SESSION}=chosen-by-somebody-else; ${SESSION}.sig=${signature}`,
    ]) {
      expect(await sentTo(forged), forged).toContain('/sign-in');
    }
  });

  test.each([
    ['two of one name', (own: string) => `${SESSION}=planted; ${SESSION}.sig=x; ${own}`],
    ['thousands of letters', (own: string) => `${own}; other=${'x'.repeat(8000)}`],
    ['what is no cookie', (own: string) => `;;=;=x; ${own}; a b c; \u00e9=\u00e9; __proto__=x`],
  ])('among %s is no fault', async (_what, around) => {
    const response = await house.ask('/connections', {
      headers: { cookie: around(cookieOf(await signedIn())) },
    });
    expect(response.status).toBeLessThan(500);
  });
});

describe('a session ends', () => {
  test('when it is not used for a day', async () => {
    const cookie = cookieOf(await signedIn());
    later(86_401_000);
    expect(await sentTo(cookie), 'though the sweeper has not come by yet').toContain('/sign-in');
  });

  test('after a week, however often it is used', async () => {
    const by = await signedIn();
    for (let half = 1; half <= 13; half += 1) {
      later(12 * 3_600_000);
      expect((await by.visit(`${house.issuer}/connections`)).url.pathname, `half day ${half}`).toBe(
        '/connections',
      );
    }
    later(13 * 3_600_000);
    expect((await by.visit(`${house.issuer}/connections`)).url.pathname).toBe('/sign-in');
  });

  test('by signing out, for whoever kept its cookie too, and the pages of before are not kept', async () => {
    const by = await signedIn();
    const cookie = cookieOf(by);
    const page = await house.ask('/connections', { headers: { cookie } });
    expect(page.headers.get('cache-control')).toContain('no-store');
    await by.send(await by.visit(`${house.issuer}/sign-out`), ({ action }) => action.endsWith('/sign-out'));
    expect(await sentTo(cookie)).toContain('/sign-in');
  });

  const durably = async (task: (work: ReturnType<House['rooms']['work']>) => Promise<unknown>) => {
    const work = house.rooms.work();
    await task(work);
    await work.commit();
  };

  test.each<[string, string, (username: string, password: string) => Promise<void>]>([
    [
      'when the password is changed, also for whoever knew the old one',
      'kim',
      (username, password) => durably((work) => house.rooms.accounts.setPassword(work, username, password)),
    ],
    [
      'when the account is disabled, and does not come back with it',
      'lou',
      async (username) => {
        await durably((work) => house.rooms.accounts.setDisabled(work, username, true));
        await durably((work) => house.rooms.accounts.setDisabled(work, username, false));
      },
    ],
  ])('%s', async (_when, username, happens) => {
    const own = { username, password: `a long password of ${username}` };
    await durably((work) => house.rooms.accounts.add(work, own));
    const enter = async () => {
      const by = person(own);
      await by.signIn(house.issuer);
      return cookieOf(by);
    };
    const cookie = await enter();
    later(1_000); // a sign-in is known to the second
    expect(await sentTo(cookie)).toBeNull();
    await happens(username, own.password);
    expect(await sentTo(cookie)).toContain('/sign-in');
    expect(await sentTo(await enter())).toBeNull();
  });

  test('by no link and by no form of anybody else', async () => {
    const by = await signedIn();
    const cookie = cookieOf(by);
    const html = await (await house.ask('/sign-out', { headers: { cookie } })).text();
    const csrf = /name="csrf" value="([^"]*)"/.exec(html)?.[1] ?? '';
    const stranger = cookieOf(await signedIn());
    const theirs = await (await house.ask('/sign-out', { headers: { cookie: stranger } })).text();
    const foreign = /name="csrf" value="([^"]*)"/.exec(theirs)?.[1] ?? '';
    const send = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
      house.ask('/sign-out', form(fields, { cookie, ...headers }));
    expect((await send({})).status).toBe(403);
    expect((await send({ csrf: foreign })).status).toBe(403);
    expect((await send({ csrf }, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await send({ csrf }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect(await sentTo(cookie)).toBeNull();
    expect((await send({ csrf })).status).toBe(200);
    expect(await sentTo(cookie)).toContain('/sign-in');
  });
});
