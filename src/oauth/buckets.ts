// Token buckets in this process's memory: how often something may be tried, by whose it is.
// They slow guessing down; they never lock an account, or anybody could lock anybody out.

import type { Clock } from '../clock.ts';
import { remember } from '../memory.ts';

/** `burst` tries at once; one more every `every` milliseconds. */
export type Rate = { burst: number; every: number };

export const FIVE_MINUTES = 300_000;
const MOST_BUCKETS = 20_000;

/** A bucket of `most`, full again after `period` milliseconds; 0 is no limit. */
export const rate = (most: number, period: number): Rate =>
  most === 0 ? { burst: Number.POSITIVE_INFINITY, every: 1 } : { burst: most, every: period / most };

/** Buckets by key. When there are too many, those that have been left alone the longest are forgotten. */
export function buckets({ burst, every }: Rate, clock: Clock, most = MOST_BUCKETS) {
  const known = new Map<string, { left: number; at: number }>();

  function left(key: string, now: number): number {
    const before = known.get(key);
    return before ? Math.min(burst, before.left + Math.max(0, now - before.at) / every) : burst;
  }
  const until = (left: number): number => (left >= 1 ? 0 : Math.ceil(((1 - left) * every) / 1000));

  return {
    /** As `take`, and takes nothing. */
    wait: (key: string): number => until(left(key, clock())),
    /** Takes one; 0 when it was there, else the seconds until the next. */
    take(key: string): number {
      const now = clock();
      const had = left(key, now);
      remember(known, key, { left: had >= 1 ? had - 1 : had, at: now }, most);
      return until(had);
    },
    /** Puts one back: it was no guess. */
    giveBack(key: string): void {
      const bucket = known.get(key);
      if (bucket) bucket.left = Math.min(burst, bucket.left + 1);
    },
    get size(): number {
      return known.size;
    },
  };
}

export type Buckets = ReturnType<typeof buckets>;
