// How much of something that costs nothing to try is had in five minutes, by whose it is, in this process's memory.

import type { Clock } from '../../clock.ts';

const PERIOD = 300_000;
const MOST_COUNTED = 20_000;

/** `most` in five minutes, coming back evenly; 0 is no limit. */
export function tries({ most, clock }: { most: number; clock: Clock }) {
  const counted = new Map<string, { left: number; at: number }>();

  const left = (key: string, now: number): number => {
    const before = counted.get(key);
    return before ? Math.min(most, before.left + (Math.max(0, now - before.at) * most) / PERIOD) : most;
  };

  return {
    /** Whether `key` may try again. */
    any: (key: string): boolean => most === 0 || left(key, clock()) >= 1,

    /** Counts one. */
    count(key: string): void {
      if (most === 0) return;
      const now = clock();
      const rest = left(key, now) - 1;
      counted.delete(key);
      counted.set(key, { left: Math.max(0, rest), at: now });
      if (counted.size > MOST_COUNTED) counted.delete(counted.keys().next().value as string);
    },

    /** Takes one back that was counted. */
    giveBack(key: string): void {
      const now = clock();
      if (counted.has(key)) counted.set(key, { left: Math.min(most, left(key, now) + 1), at: now });
    },
  };
}

export type Tries = ReturnType<typeof tries>;
