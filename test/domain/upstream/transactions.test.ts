// A trip to an upstream and back, on both databases: one browser, one upstream, once, for ten minutes.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  TRIP_LIFE,
  tripId,
  type UpstreamTransactions,
  upstreamTransactions,
} from '../../../src/domain/upstream/transactions.ts';
import { openStorage, type Storage } from '../../../src/storage/open.ts';
import { databases, type TestDatabase } from '../../support/databases.ts';

describe.each(databases)('on %s', (_name, make) => {
  let database: TestDatabase;
  let storage: Storage;
  let trips: UpstreamTransactions;
  let now: number;

  beforeAll(async () => {
    database = await make();
    storage = await openStorage(database.location);
    trips = upstreamTransactions({
      store: storage.upstreamTransactions,
      clock: () => now,
      work: storage.work,
    });
  }, 60_000);
  beforeEach(() => {
    now = 1_800_000_000_000;
  });
  afterAll(async () => {
    await storage?.close();
    await database?.remove();
  });

  async function begin(luggage: Record<string, string> = {}, purpose: 'sign_in' | 'link' = 'sign_in') {
    const work = storage.work();
    const redirectUri = 'https://auth.example/upstream/company/callback';
    const begun = trips.begin(work, {
      upstream: 'company',
      purpose,
      redirectUri,
      scopes: ['openid'],
      luggage,
    });
    await work.commit();
    return begun;
  }
  const reason = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'accepted',
      (error: { reason?: string }) => error.reason ?? String(error),
    );

  it('a trip comes back with what it set out with', async () => {
    const { transaction, cookie } = await begin({ interaction: 'an id' });
    const trip = await trips.take('company', transaction.state, cookie);
    expect(trip).toMatchObject({ transaction, purpose: 'sign_in', luggage: { interaction: 'an id' } });
  });

  it('state, nonce, verifier and cookie are 256 bits each, and never the same twice', async () => {
    const seen = new Set<string>();
    for (let n = 0; n < 100; n += 1) {
      const { transaction, cookie } = await begin();
      for (const value of [transaction.state, transaction.nonce, transaction.codeVerifier, cookie]) {
        expect(Buffer.from(value, 'base64url')).toHaveLength(32);
        seen.add(value);
      }
    }
    expect(seen.size).toBe(400);
  });

  it('a state is used once, however many come back with it at the same moment', async () => {
    const { transaction, cookie } = await begin();
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => reason(trips.take('company', transaction.state, cookie))),
    );
    expect(answers.filter((each) => each === 'accepted')).toHaveLength(1);
    expect(answers.filter((each) => each === 'upstream_answer_used')).toHaveLength(15);
  });

  it('a state is worth nothing after ten minutes', async () => {
    const { transaction, cookie } = await begin();
    now += TRIP_LIFE;
    expect(await reason(trips.take('company', transaction.state, cookie))).toBe('upstream_answer_used');
  });

  it('another browser comes to nothing, and does not use up the state', async () => {
    const [mine, theirs] = [await begin(), await begin()];
    for (const cookie of [undefined, '', 'made up', theirs.cookie]) {
      expect(await reason(trips.take('company', mine.transaction.state, cookie))).toBe(
        'upstream_other_browser',
      );
    }
    expect(await reason(trips.take('company', mine.transaction.state, mine.cookie))).toBe('accepted');
  });

  it('an answer at another upstream’s address ends the trip', async () => {
    const { transaction, cookie } = await begin();
    expect(await reason(trips.take('evil', transaction.state, cookie))).toBe('upstream_mixed_up');
    expect(await reason(trips.take('company', transaction.state, cookie))).toBe('upstream_answer_used');
  });

  it('a sign-in is handed over once, to the browser that made it', async () => {
    const { id, transaction, cookie } = await begin();
    const finish = async (by: string | undefined): Promise<string> => {
      const work = storage.work();
      return reason(trips.finish(work, id, by).then(() => work.commit()));
    };
    expect(await finish(cookie)).toBe('upstream_answer_used'); // nobody has signed in
    const trip = await trips.take('company', transaction.state, cookie);
    expect(await finish(cookie)).toBe('upstream_answer_used');
    const work = storage.work();
    trips.signedIn(work, trip, 'an account');
    await work.commit();
    expect(await finish(undefined)).toBe('upstream_other_browser');
    const answers = await Promise.all(Array.from({ length: 8 }, () => finish(cookie)));
    expect(answers.filter((each) => each === 'accepted')).toHaveLength(1);
  });

  it('a trip to link an identity is no sign-in', async () => {
    const { id, transaction, cookie } = await begin({}, 'link');
    const work = storage.work();
    trips.signedIn(work, await trips.take('company', transaction.state, cookie), 'an account');
    await work.commit();
    expect(await reason(trips.finish(storage.work(), id, cookie))).toBe('upstream_answer_used');
  });

  it('whoever reads the row has neither state, nonce, verifier nor cookie, nor a key to them', async () => {
    const { transaction, cookie } = await begin({ interaction: 'an id of an interaction' });
    const row = JSON.stringify(await storage.upstreamTransactions.find(tripId(transaction.state)));
    const { state, nonce, codeVerifier } = transaction;
    for (const secret of [state, nonce, codeVerifier, cookie, 'an id of an interaction']) {
      expect(row).not.toContain(secret);
    }
  });

  it('trips that ran out are swept away', async () => {
    const { transaction } = await begin();
    now += TRIP_LIFE + 1;
    while ((await storage.sweep.expired(now, 0, 0)) > 0);
    expect(await storage.upstreamTransactions.find(tripId(transaction.state))).toBeUndefined();
  });
});
