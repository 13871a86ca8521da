// Trips of a browser to an upstream and back. A trip begins when the person presses a button of ours, belongs to that
// one browser, upstream and purpose, lives for ten minutes, and comes back once.
// It owns state, nonce, verifier and the way back; what is done with who came back is for the pages' verbs to say.

import type { Clock } from '../../clock.ts';
import { digest, open, random, sameSecret, seal, sealingKey } from '../../crypto.ts';
import { Refusal } from '../../errors.ts';
import type { Work } from '../../storage/commit.ts';
import type { TripRow, UpstreamTransactionStore } from '../../storage/upstream-transactions.ts';
import type { Transaction } from './connector.ts';

/** Enough for a password and a second factor there. MCP security best practices, confused deputy: ten at most. */
export const TRIP_LIFE = 600_000;

export type Purpose = 'sign_in' | 'link' | 'connect';

/** Where the person set out from, and whatever else has to be known when they are back; sealed. */
export type Luggage = Record<string, string>;

export type Departure = {
  upstream: string;
  purpose: Purpose;
  /** The upstream's own address here: one per upstream (RFC 9700 §4.4.2.2). */
  redirectUri: string;
  /** What is asked for there. */
  scopes: readonly string[];
  /** Who is signed in, where the trip is theirs. */
  accountId?: string;
  luggage?: Luggage;
};

export type Trip = {
  /** Names the trip without opening it: the digest of its state. */
  id: string;
  upstream: string;
  purpose: Purpose;
  accountId: string | null;
  transaction: Transaction;
  luggage: Luggage;
};

export const tripId = (state: string): string => digest('upstream state', state);

const browserDigest = (cookie: string): string => digest('upstream browser', cookie);

const contextOf = ({ state, upstream, purpose }: Pick<TripRow, 'state' | 'upstream' | 'purpose'>): string =>
  `upstream_transactions\0${state}\0${upstream}\0${purpose}`;

const AGAIN = 'Go back to where you started, and press the button again.';

const foreign = (reason: string): Refusal =>
  new Refusal('This answer does not belong to a sign-in that was started in this browser.', {
    reason,
    hint: AGAIN,
  });

const used = (): Refusal =>
  new Refusal('This answer has been used before, or came too late.', {
    reason: 'upstream_answer_used',
    hint: AGAIN,
  });

export function upstreamTransactions({
  store,
  clock,
  work: begin,
}: {
  store: UpstreamTransactionStore;
  clock: Clock;
  work: () => Work;
}) {
  /** The row that this browser may go on with. Throws a Refusal, and changes nothing. */
  async function ofBrowser(id: string, cookie: string | undefined): Promise<[TripRow, string]> {
    const row = await store.find(id);
    if (!row) throw foreign('upstream_answer_unknown');
    // RFC 6749 §10.12, RFC 9700 §4.7: only in the browser that set out
    if (!cookie || !sameSecret(browserDigest(cookie), row.browser)) throw foreign('upstream_other_browser');
    return [row, cookie];
  }

  function opened(row: TripRow, cookie: string): Trip {
    const ring = { current: sealingKey(cookie), previous: [] };
    const body = open(ring, Buffer.from(row.body, 'base64url'), contextOf(row));
    const { transaction, luggage } = JSON.parse(body.toString()) as Pick<Trip, 'transaction' | 'luggage'>;
    const { state: id, upstream, purpose, accountId } = row;
    return { id, upstream, purpose: purpose as Purpose, accountId, transaction, luggage };
  }

  return {
    /** Writes a trip down. `cookie` belongs to the browser alone; without it the row says nothing to anybody. */
    begin(work: Work, { upstream, purpose, redirectUri, scopes, accountId, luggage = {} }: Departure) {
      const [state, nonce, codeVerifier, cookie] = [random(), random(), random(), random()];
      const transaction: Transaction = { state, nonce, codeVerifier, redirectUri, scopes };
      const row = { state: tripId(state), upstream, purpose, accountId: accountId ?? null };
      const body = Buffer.from(JSON.stringify({ transaction, luggage }));
      work.add(
        store.insert({
          ...row,
          browser: browserDigest(cookie),
          body: seal(sealingKey(cookie), body, contextOf(row)).toString('base64url'),
          expiresAt: clock() + TRIP_LIFE,
        }),
      );
      return { id: row.state, transaction, cookie };
    },

    /**
     * The trip that comes back with this state, which has been used after this: durably, before the upstream is asked
     * anything. Throws a Refusal when it is another browser's, another upstream's, used or too old.
     */
    async take(upstream: string, state: string, cookie: string | undefined): Promise<Trip> {
      const [row, secret] = await ofBrowser(tripId(state), cookie);
      const work = begin();
      work.add({ ...store.consume(row.state, clock()), lost: async () => used() });
      await work.commit();
      // RFC 9700 §4.4: an answer at another upstream's address is an attack, and ends the trip
      if (row.upstream !== upstream) throw foreign('upstream_mixed_up');
      return opened(row, secret);
    },

    /** This account is who came back; `finish` hands that over. */
    signedIn: (work: Work, trip: Trip, accountId: string): void =>
      work.add({ ...store.signedIn(trip.id, accountId), lost: async () => used() }),

    /** Hands a sign-in over, once, to the interaction that it was for. Throws a Refusal as `take` does. */
    async finish(work: Work, id: string, cookie: string | undefined): Promise<Trip & { accountId: string }> {
      const [row, secret] = await ofBrowser(id, cookie);
      const { accountId } = row;
      if (row.purpose !== 'sign_in' || accountId === null || row.finishedAt !== null) throw used();
      work.add({ ...store.finish(id, clock()), lost: async () => used() });
      return { ...opened(row, secret), accountId };
    },
  };
}

export type UpstreamTransactions = ReturnType<typeof upstreamTransactions>;
