// How often a secret may be guessed: wrong ones are counted by client and network together, in this process's memory.
// A stranger who guesses makes only their own network wait; the client itself, elsewhere, never does.

import ipaddr from 'ipaddr.js';
import type { Clock } from '../../clock.ts';
import { Refusal } from '../../errors.ts';

const PERIOD = 300_000;
const MOST_COUNTED = 20_000;

/** In IPv6 the /64, of which one customer has all (RFC 6177 §2). */
const network = (ip: string): string =>
  ip.includes(':') && ipaddr.IPv6.isValid(ip) ? ipaddr.IPv6.parse(ip).parts.slice(0, 4).join(':') : ip;

/** `most` wrong secrets in five minutes; 0 is no limit. */
export function wrongSecrets({ most, clock }: { most: number; clock: Clock }) {
  const counted = new Map<string, { left: number; at: number }>();

  const left = (key: string, now: number): number => {
    const before = counted.get(key);
    return before ? Math.min(most, before.left + (Math.max(0, now - before.at) * most) / PERIOD) : most;
  };

  return {
    /** Throws a Refusal 429, before any secret is compared, when this network has guessed too often. */
    check(clientId: string, ip: string): void {
      if (most === 0 || left(`${clientId} ${network(ip)}`, clock()) >= 1) return;
      throw new Refusal('There were too many wrong secrets for this client from this network.', {
        reason: 'too_many_attempts',
        status: 429,
        oauth: 'temporarily_unavailable',
        hint: 'Wait a minute, then try again with the right one.',
      });
    },

    /** Counts one. */
    count(clientId: string, ip: string): void {
      if (most === 0) return;
      const [key, now] = [`${clientId} ${network(ip)}`, clock()];
      const rest = left(key, now) - 1;
      counted.delete(key);
      counted.set(key, { left: Math.max(0, rest), at: now });
      if (counted.size > MOST_COUNTED) counted.delete(counted.keys().next().value as string);
    },
  };
}

export type WrongSecrets = ReturnType<typeof wrongSecrets>;
