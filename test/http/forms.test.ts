import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { form, formAt, type House, openHouse } from './house.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());

const KIND = { 'Content-Type': 'application/x-www-form-urlencoded' };

describe('a form comes back only from its own page', () => {
  const send = async (change: { csrf?: string; cookie?: string; headers?: Record<string, string> }) => {
    const { csrf, cookie } = await formAt(house, '/sign-in');
    const headers = { cookie: change.cookie ?? cookie, ...change.headers };
    return house.ask('/sign-in', form({ ...house.alex, csrf: change.csrf ?? csrf }, headers));
  };

  test('with its token, from this origin, it is accepted', async () => {
    const response = await send({ headers: { Origin: house.issuer, 'Sec-Fetch-Site': 'same-origin' } });
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toBe('/connections');
  });

  test.each([
    ['without a token', { csrf: '' }],
    ['with another token', { csrf: 'x'.repeat(43) }],
    ['without the cookie that it belongs to', { cookie: '' }],
    ['from another origin', { headers: { Origin: 'http://evil.example' } }],
    ['from an origin that hides itself', { headers: { Origin: 'null' } }],
    ['from another site of the same domain', { headers: { 'Sec-Fetch-Site': 'same-site' } }],
    ['from a foreign page', { headers: { 'Sec-Fetch-Site': 'cross-site' } }],
  ])('%s it is refused', async (_rule, change) => {
    const response = await send(change);
    expect(response.status).toBe(403);
    expect(response.headers.getSetCookie().join()).not.toContain('session');
  });

  test('the token of another browser is refused', async () => {
    const theirs = await formAt(house, '/sign-in');
    expect((await send({ csrf: theirs.csrf })).status).toBe(403);
  });
});

describe('only what a browser would send is read', () => {
  test.each([
    ['JSON', { 'Content-Type': 'application/json' }, '{}', 415],
    ['multipart', { 'Content-Type': 'multipart/form-data; boundary=x' }, '--x--', 415],
    ['a compressed form', { ...KIND, 'Content-Encoding': 'gzip' }, gzipSync('a=b'), 415],
    ['more than 64 KiB', KIND, `a=${'b'.repeat(70_000)}`, 413],
    ['a broken escape', KIND, 'username=%zz', 400],
    ['bytes that are no UTF-8', KIND, 'username=%ff%fe', 400],
    ['NUL', KIND, 'username=a%00b', 400],
    ['a thousand and one fields', KIND, 'a=b&'.repeat(1001), 400],
    ['a field sent twice', KIND, 'csrf=a&csrf=b', 400],
  ])('%s is refused', async (_what, headers, body, status) => {
    const response = await house.ask('/sign-in', {
      method: 'POST',
      headers,
      body: new Blob([body as string]),
    });
    expect(response.status).toBe(status);
  });

  test('a body that says no length is cut off where it becomes too long', async () => {
    const chunk = `${(8192).toString(16)}\r\n${'a'.repeat(8192)}\r\n`;
    const head = `POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1:${house.port}\r\nTransfer-Encoding: chunked\r\n`;
    const answer = await house.raw(`${head}Content-Type: ${KIND['Content-Type']}\r\n\r\n${chunk.repeat(9)}`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });
});

test('after signing in, nobody is sent to an address that is not ours', async () => {
  for (const to of [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/interaction/x',
    'connections',
  ]) {
    const { page } = await formAt(house, `/sign-in?to=${encodeURIComponent(to)}`);
    expect(page).toContain('action="/sign-in?to=%2Fconnections"');
  }
});
