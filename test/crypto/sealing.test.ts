// THREATS J21: AES-GCM breaks when a key meets a nonce twice.

import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { open, seal, sealingKey } from '../../src/crypto.ts';

test('of twenty thousand seals of one value no two share a nonce, and each opens', () => {
  const key = sealingKey(randomBytes(32).toString('base64url'));
  const plain = Buffer.from('the same every time');
  const seen = new Set<string>();
  for (let n = 0; n < 20_000; n += 1) {
    const sealed = seal(key, plain, 'a row');
    // Of the wrapped data key, and of the value.
    for (const [from, to] of [
      [13, 25],
      [73, 85],
    ] as const)
      seen.add(sealed.subarray(from, to).toString('base64'));
    if (n % 1_000 === 0) expect(open({ current: key, previous: [] }, sealed, 'a row')).toEqual(plain);
  }
  expect(seen.size).toBe(40_000);
});
