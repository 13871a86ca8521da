// How many authorization requests somebody may leave unanswered: each one is kept, though nobody may ever come back to it,
// and anybody may make them. Counted by network, in this process's memory.

import type { Clock } from '../clock.ts';
import { Refusal } from '../errors.ts';
import { buckets, FIVE_MINUTES, rate } from './buckets.ts';
import { network } from './network.ts';

/** `most` in five minutes; 0 is no limit. */
export function begunRequests({ most, clock }: { most: number; clock: Clock }) {
  const begun = buckets(rate(most, FIVE_MINUTES), clock);

  return {
    /** Counts one. Throws a Refusal 429 where there were too many. */
    count(ip: string): void {
      if (begun.take(network(ip)) > 0) {
        throw new Refusal('Too many connections were begun from this network in a short time.', {
          reason: 'too_many_attempts',
          status: 429,
          oauth: 'temporarily_unavailable',
          hint: 'Wait a minute, then try again.',
        });
      }
    },

    /** One of them was answered, and is not kept any more. */
    answered: (ip: string): void => begun.giveBack(network(ip)),
  };
}

export type BegunRequests = ReturnType<typeof begunRequests>;
