// What our cookies are signed with: nobody makes a signature who does not have the key, and none fits another cookie.

import { createSecretKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { cookieSignatures } from '../../src/oauth/cookie-signatures.ts';

const signatures = (fill: number) => cookieSignatures(createSecretKey(Buffer.alloc(32, fill)));

describe('a cookie', () => {
  const ours = signatures(1);
  const data = 'cardea_session=abc';
  const signature = ours.sign(data);

  test('is believed as it was signed', () => {
    expect(ours.verify(data, signature)).toBe(true);
    expect(ours.index(data, signature)).toBe(0);
  });

  test.each([
    ['another value', 'cardea_session=abd', signature],
    ['another name', 'cardea_interaction=abc', signature],
    ['a shorter signature', data, signature.slice(0, -1)],
    ['a longer one', data, `${signature}A`],
    ['none', data, ''],
    ['one of letters that are none', data, 'é'.repeat(signature.length)],
    ["another server's", data, signatures(2).sign(data)],
  ])('is not believed with %s', (_what, said, by) => {
    expect(ours.verify(said, by)).toBe(false);
    expect(ours.index(said, by)).toBe(-1);
  });

  test('has a signature that a cookie can hold', () => {
    expect(signature).toMatch(/^[\w-]{43}$/);
  });
});
