// Times and spans in words, the same whatever machine the server runs on.

import type { Moment } from '../../../views/parts.ts';

const day = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});
const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', hour: '2-digit', minute: '2-digit' });

/** `at` in ms since the epoch, as a day. */
export const dayOf = (at: number): Moment => ({ iso: new Date(at).toISOString(), text: day.format(at) });

/** As a day and a time; of today only the time. We do not know where the reader is, so the zone is named. */
export function momentOf(at: number, now: number): Moment {
  const time = `${clock.format(at)} UTC`;
  const text = day.format(at) === day.format(now) ? time : `${day.format(at)}, ${time}`;
  return { iso: new Date(at).toISOString(), text };
}

const UNITS = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['day', 86_400],
  ['hour', 3_600],
] as const;

const articles: Record<string, string> = { year: 'a year', month: 'a month', day: 'a day', hour: 'an hour' };

/** Seconds as `a year`, `3 months`, `90 days`: the largest unit that comes out even. */
export function span(seconds: number): string {
  for (const [unit, size] of UNITS) {
    if (seconds < size || seconds % size !== 0) continue;
    const count = seconds / size;
    return count === 1 ? (articles[unit] ?? unit) : `${count} ${unit}s`;
  }
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}
