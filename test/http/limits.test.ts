import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buckets } from '../../src/http/limits.ts';
import { network } from '../../src/oauth/network.ts';
import { form, formAt, type House, openHouse } from './house.ts';

describe('a bucket', () => {
  test('is empty after its burst, and says when there is more', () => {
    let now = 0;
    const bucket = buckets({ burst: 2, every: 10_000 }, () => now);
    expect([bucket.take('a'), bucket.take('a'), bucket.take('a')]).toEqual([0, 0, 10]);
    expect(bucket.take('b')).toBe(0);
    now = 9_999;
    expect(bucket.take('a')).toBe(1);
    now = 10_000;
    expect(bucket.take('a')).toBe(0);
  });

  test('never holds more than its burst, however long it is left alone or given back', () => {
    let now = 0;
    const bucket = buckets({ burst: 1, every: 10 }, () => now);
    bucket.take('a');
    now = 1_000_000;
    bucket.giveBack('a');
    bucket.giveBack('a');
    expect([bucket.take('a'), bucket.take('a')]).toEqual([0, 1]);
  });

  test('a clock that goes back gives nothing away', () => {
    let now = 50_000;
    const bucket = buckets({ burst: 1, every: 10_000 }, () => now);
    bucket.take('a');
    now = 0;
    expect(bucket.take('a')).toBe(10);
  });

  test('of too many keys the oldest are forgotten', () => {
    const bucket = buckets({ burst: 1, every: 10_000 }, () => 0, 100);
    for (let each = 0; each < 1_000; each += 1) bucket.take(`key ${each}`);
    expect(bucket.size).toBe(100);
  });
});

test('an IPv6 customer is one customer with all their addresses', () => {
  expect(network('2001:db8:1:2:aaaa::1')).toBe(network('2001:db8:1:2:bbbb::2'));
  expect(network('2001:db8:1:2::1')).not.toBe(network('2001:db8:1:3::1'));
  expect(network('::ffff:192.0.2.1')).toBe('192.0.2.1');
});

describe('signing in', () => {
  let house: House;
  beforeAll(async () => {
    house = await openHouse();
  });
  afterAll(() => house?.close());

  const attempt = async (username: string, password: string): Promise<Response> => {
    const { csrf, cookie } = await formAt(house, '/sign-in');
    return house.ask('/sign-in', form({ username, password, csrf }, { cookie }));
  };

  test('the right password is never too often, a wrong one is, and guessing in parallel does not help', async () => {
    for (let each = 0; each < 12; each += 1) {
      expect((await attempt('alex', house.alex.password)).status).toBe(303);
    }
    const guesses = await Promise.all(Array.from({ length: 14 }, () => attempt('ALEX ', 'a wrong password')));
    const statuses = guesses.map(({ status }) => status).sort();
    expect(statuses.filter((status) => status === 422)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(4);
    const refused = await attempt('alex', house.alex.password);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await attempt('somebody', 'a wrong password')).status).toBe(422);
  });

  test('a refused sign-in is in the audit under its trace id, without what was typed', async () => {
    const response = await attempt('somebody else', 'a wrong password');
    const [event] = await house.rooms.audit.byTrace(response.headers.get('cardea-trace-id') ?? '');
    expect(event).toMatchObject({ action: 'account.sign_in_refused', reason: 'wrong_credentials' });
    expect(JSON.stringify(event)).not.toMatch(/somebody|wrong password/);
  });

  test('a name that nobody has is told the same as a wrong password', async () => {
    const said = async (username: string) => {
      const text = await (await attempt(username, 'a wrong password')).text();
      return /role="alert".*?<\/div><\/div>/s.exec(text)?.[0];
    };
    expect(await said('nobody-at-all')).toBe(await said('somebody'));
  });
});
