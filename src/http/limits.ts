// How often somebody may try what pages and the registration endpoint offer, by network, by name and all together.

import type { Clock } from '../clock.ts';
import { Refusal } from '../errors.ts';
import { type Buckets, buckets, FIVE_MINUTES, rate } from '../oauth/buckets.ts';
import type { HttpCall } from '../oauth/http-call.ts';
import { network } from '../oauth/network.ts';

const fold = (username: string): string => username.normalize('NFKC').trim().toLowerCase().slice(0, 64);

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

  function attempt(ctx: HttpCall, ...counted: [Buckets, string][]): () => void {
    for (const [bucket, key] of counted) refuseAfter(ctx, bucket.take(key));
    return () => {
      for (const [bucket, key] of counted) bucket.giveBack(key);
    };
  }

  return {
    /**
     * Counts an attempt before the password is looked at, so that a parallel burst counts in full.
     * Call the answer when the password was right: a busy office is not a guesser. Throws a Refusal 429.
     */
    signIn(ctx: HttpCall, username: string): () => void {
      const name = fold(username);
      return attempt(
        ctx,
        [signInByNetwork, from(ctx)],
        [signInByBoth, `${from(ctx)} ${name}`],
        [signInByName, name],
      );
    },
    /** As `signIn`, for a code that a device shows: few letters, which nobody may try out (RFC 8628 §5.1). */
    deviceCode: (ctx: HttpCall, accountId: string): (() => void) =>
      attempt(ctx, [codeByNetwork, from(ctx)], [codeByAccount, accountId], [codeByAll, '']),
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
