// How often somebody may try: token buckets in this process's memory, by network and by name.
// They slow guessing down; they never lock an account, or anybody could lock anybody out.

import type { Clock } from '../clock.ts';
import { Refusal } from '../errors.ts';
import type { HttpCall } from '../oauth/http-call.ts';
import { network } from '../oauth/network.ts';

/** `burst` tries at once; one more every `every` milliseconds. */
export type Rate = { burst: number; every: number };

const MOST_BUCKETS = 20_000;

/** Buckets by key. When there are too many, those that have been left alone the longest are forgotten. */
export function buckets({ burst, every }: Rate, clock: Clock, most = MOST_BUCKETS) {
  const known = new Map<string, { left: number; at: number }>();

  return {
    /** Takes one; 0 when it was there, else the seconds until the next. */
    take(key: string): number {
      const now = clock();
      const before = known.get(key);
      const left = before ? Math.min(burst, before.left + Math.max(0, now - before.at) / every) : burst;
      known.delete(key);
      known.set(key, { left: left >= 1 ? left - 1 : left, at: now });
      if (known.size > most) known.delete(known.keys().next().value as string);
      return left >= 1 ? 0 : Math.ceil(((1 - left) * every) / 1000);
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

const fold = (username: string): string => username.normalize('NFKC').trim().toLowerCase().slice(0, 64);

/** A bucket of `most`, full again after `period` milliseconds; 0 is no limit. */
const rate = (most: number, period: number): Rate =>
  most === 0 ? { burst: Number.POSITIVE_INFINITY, every: 1 } : { burst: most, every: period / most };

const FIVE_MINUTES = 300_000;
const HOUR = 3_600_000;

// Registrations of what is known already are cheap; this only keeps one network from occupying the server with them.
const KNOWN = 10;

export function limits(
  clock: Clock,
  most: { signIns: number; registrations: number; unprovenRegistrations: number },
) {
  const signInByNetwork = buckets(rate(most.signIns, FIVE_MINUTES), clock);
  const signInByName = buckets(rate(most.signIns, FIVE_MINUTES), clock);
  const signInByBoth = buckets(rate(Math.ceil(most.signIns / 3), FIVE_MINUTES), clock);
  // Of 20^8 codes a hundred may wait: all the world together guesses one in 700 years.
  const codeByNetwork = buckets({ burst: 40, every: 10_000 }, clock);
  const codeByAccount = buckets({ burst: 20, every: 20_000 }, clock);
  const codeByAll = buckets({ burst: 300, every: 1_000 }, clock);
  const device = buckets({ burst: 120, every: 5_000 }, clock);
  const registration = buckets(rate(most.registrations * KNOWN, HOUR), clock);
  const unproven = buckets(rate(most.registrations, HOUR), clock);
  const unprovenAnywhere = buckets(rate(most.unprovenRegistrations, HOUR), clock);
  const setup = buckets({ burst: 20, every: 10_000 }, clock);

  function refuseAfter(ctx: HttpCall, seconds: number): void {
    if (seconds === 0) return;
    ctx.set('Retry-After', String(seconds)); // RFC 9110 §10.2.3
    throw new Refusal('There were too many attempts in a short time.', {
      reason: 'too_many_attempts',
      status: 429,
      oauth: 'temporarily_unavailable',
      hint:
        seconds <= 60 ? 'Wait a minute, then try again.' : `Try again in ${Math.ceil(seconds / 60)} minutes.`,
    });
  }
  const from = (ctx: HttpCall): string => network(String(ctx.state['ip']));

  return {
    /**
     * Counts an attempt before the password is looked at, so that a parallel burst counts in full.
     * Call the answer when the password was right: a busy office is not a guesser. Throws a Refusal 429.
     */
    signIn(ctx: HttpCall, username: string): () => void {
      const name = fold(username);
      const both = `${from(ctx)} ${name}`;
      refuseAfter(ctx, signInByNetwork.take(from(ctx)));
      refuseAfter(ctx, signInByBoth.take(both));
      refuseAfter(ctx, signInByName.take(name));
      return () => {
        signInByNetwork.giveBack(from(ctx));
        signInByBoth.giveBack(both);
        signInByName.giveBack(name);
      };
    },
    /** As `signIn`, for a code that a device shows: few letters, which nobody may try out (RFC 8628 §5.1). */
    deviceCode(ctx: HttpCall, accountId: string): () => void {
      const tries: [typeof codeByNetwork, string][] = [
        [codeByNetwork, from(ctx)],
        [codeByAccount, accountId],
        [codeByAll, ''],
      ];
      for (const [bucket, key] of tries) refuseAfter(ctx, bucket.take(key));
      return () => {
        for (const [bucket, key] of tries) bucket.giveBack(key);
      };
    },
    device: (ctx: HttpCall): void => refuseAfter(ctx, device.take(from(ctx))),
    /** Any registration, before it is read. */
    registration: (ctx: HttpCall): void => refuseAfter(ctx, registration.take(from(ctx))),
    /**
     * One of a kind that nobody has let in: by network, and by all together, since who floods has many networks.
     * A hosted client, which registers for all of its users from few addresses, has been let in by the first of them.
     */
    unproven(ctx: HttpCall): void {
      refuseAfter(ctx, unproven.take(from(ctx)));
      const wait = unprovenAnywhere.take('');
      if (wait > 0) unproven.giveBack(from(ctx)); // the network is not to blame
      refuseAfter(ctx, wait);
    },
    /** Somebody let one of those in. */
    letIn: (): void => unprovenAnywhere.giveBack(''),
    setup: (ctx: HttpCall): void => refuseAfter(ctx, setup.take(from(ctx))),
  };
}

export type Limits = ReturnType<typeof limits>;
