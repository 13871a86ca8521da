// How often a secret may be guessed: wrong ones are counted by client and network together, in this process's memory.
// A stranger who guesses makes only their own network wait; the client itself, elsewhere, never does.

import type { Clock } from '../../clock.ts';
import { Refusal } from '../../errors.ts';
import { buckets, FIVE_MINUTES, rate } from '../buckets.ts';
import { network } from '../network.ts';

/** `most` wrong secrets in five minutes; 0 is no limit. */
export function wrongSecrets({ most, clock }: { most: number; clock: Clock }) {
  const wrong = buckets(rate(most, FIVE_MINUTES), clock);

  return {
    /** Throws a Refusal 429, before any secret is compared, when this network has guessed too often. */
    check(clientId: string, ip: string): void {
      if (wrong.wait(`${clientId} ${network(ip)}`) === 0) return;
      throw new Refusal('There were too many wrong secrets for this client from this network.', {
        reason: 'too_many_attempts',
        status: 429,
        oauth: 'temporarily_unavailable',
        hint: 'Wait a minute, then try again with the right one.',
      });
    },

    /** Counts one. */
    count(clientId: string, ip: string): void {
      wrong.take(`${clientId} ${network(ip)}`);
    },
  };
}

export type WrongSecrets = ReturnType<typeof wrongSecrets>;
