import { expect, it } from 'vitest';
import { buckets, rate } from '../../src/oauth/buckets.ts';

it('a bucket is empty after its burst, and says when there is more', () => {
  let now = 0;
  const bucket = buckets({ burst: 2, every: 10_000 }, () => now);
  expect([bucket.take('a'), bucket.take('a'), bucket.take('a')]).toEqual([0, 0, 10]);
  expect(bucket.take('b')).toBe(0);
  now = 9_999;
  expect(bucket.take('a')).toBe(1);
  now = 10_000;
  expect(bucket.take('a')).toBe(0);
});

it('a bucket says how long to wait without taking anything', () => {
  const bucket = buckets({ burst: 1, every: 10_000 }, () => 0);
  expect([bucket.wait('a'), bucket.wait('a'), bucket.take('a'), bucket.wait('a')]).toEqual([0, 0, 0, 10]);
});

it('a bucket is without bottom where no limit is set', () => {
  const bucket = buckets(rate(0, 1_000), () => 0);
  expect(new Set(Array.from({ length: 1_000 }, () => bucket.take('a')))).toEqual(new Set([0]));
});

it('a bucket never holds more than its burst, however long it is left alone or given back', () => {
  let now = 0;
  const bucket = buckets({ burst: 1, every: 10 }, () => now);
  bucket.take('a');
  now = 1_000_000;
  bucket.giveBack('a');
  bucket.giveBack('a');
  expect([bucket.take('a'), bucket.take('a')]).toEqual([0, 1]);
});

it('a clock that goes back gives nothing away', () => {
  let now = 50_000;
  const bucket = buckets({ burst: 1, every: 10_000 }, () => now);
  bucket.take('a');
  now = 0;
  expect(bucket.take('a')).toBe(10);
});

it('of too many keys the oldest are forgotten', () => {
  const bucket = buckets({ burst: 1, every: 10_000 }, () => 0, 100);
  for (let each = 0; each < 1_000; each += 1) bucket.take(`key ${each}`);
  expect(bucket.size).toBe(100);
});
