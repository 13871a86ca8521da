import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { network } from '../../src/oauth/network.ts';
import { form, formAt, type House, openHouse } from './house.ts';

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
