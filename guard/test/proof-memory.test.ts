import { expect, test } from 'vitest';
import { usedProofs } from '../src/proof-memory.ts';
import { Refused } from '../src/refusal.ts';

test('a proof is remembered until it is too old to be taken, and not longer', () => {
  let now = 0;
  const seen = usedProofs(() => now);
  expect(seen('key.a', 1000)).toBe(true);
  now = 1000;
  expect(seen('key.a', 2000)).toBe(false);
  now = 1001;
  expect(seen('key.a', 2001)).toBe(true);
});

test('whoever sends more proofs than are remembered is refused, and nobody else', () => {
  let now = 0;
  const seen = usedProofs(() => now);
  for (let each = 0; each < 10_000; each += 1) expect(seen(`flood.${each}`, 1000)).toBe(true);
  expect(() => seen('flood.more', 1000)).toThrow(Refused);
  expect(seen('flood.0', 1000)).toBe(false);
  expect(seen('honest.0', 1000)).toBe(true);
  now = 1001;
  expect(seen('flood.more', 2001)).toBe(true);
});

test('altogether it stays within its bounds, and forgets nothing early', () => {
  const seen = usedProofs(() => 0);
  for (let each = 0; each < 100_000; each += 1) seen(`key${each % 50}.${each}`, 1000);
  expect(() => seen('honest.0', 1000)).toThrow(Refused);
  expect(seen('key0.0', 1000)).toBe(false);
});
