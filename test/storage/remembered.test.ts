// What is remembered of the database is never older than the database: a write by anybody is seen at once.

import { describe, expect, it, vi } from 'vitest';
import { random } from '../../src/crypto.ts';
import { oncePerTurn, remembered } from '../../src/storage/remembered.ts';
import { databases } from '../support/databases.ts';
import { twice } from '../support/twice.ts';

describe('an answer', () => {
  it('is asked for once while nothing is written, and again after', async () => {
    let version = '1';
    const read = vi.fn(async (key: string) => `${key} at ${version}`);
    const find = remembered(() => version, read);
    expect([await find('a'), await find('a'), await find('b')]).toEqual(['a at 1', 'a at 1', 'b at 1']);
    expect(read).toHaveBeenCalledTimes(2);
    version = '2';
    expect(await find('a')).toBe('a at 2');
  });

  it('that a write overtook is given and not kept', async () => {
    let version = '1';
    let value = 'old';
    let go = (): void => {};
    const find = remembered(
      () => version,
      async () => {
        const before = value;
        await new Promise<void>((resolve) => {
          go = resolve;
        });
        return before;
      },
    );
    const asked = find('a');
    [version, value] = ['2', 'new'];
    go();
    expect(await asked).toBe('old');
    const again = find('a');
    go();
    expect(await again).toBe('new');
  });

  it('is asked for every time where nobody can say what was written', async () => {
    const read = vi.fn(async () => 'x');
    const find = remembered(() => undefined, read);
    await find('a');
    await find('a');
    expect(read).toHaveBeenCalledTimes(2);
  });
});

describe('what is asked once a turn', () => {
  it('is the same for everything that follows from one event, and asked anew for the next one', async () => {
    let asked = 0;
    const ask = oncePerTurn(() => (asked += 1));
    const follow = async () => [ask(), await ask(), await Promise.resolve().then(ask)];
    expect(await Promise.all([follow(), follow()])).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(ask()).toBe(2);
  });
});

describe.each(databases)('on %s', (_name, make) => {
  const two = twice(make);

  /** A family with a grant and an account; its id. */
  async function family(): Promise<string> {
    const [id, work] = [random(), two.one.work()];
    const base = { accountId: id, clientId: 'c', createdAt: 1 };
    work.add(
      two.one.accounts.insert({
        ...{ id, username: id, name: 'A', password: null },
        ...{ administrator: false, createdAt: 1, disabledAt: null },
      }),
      two.one.grants.insert({
        ...{
          id,
          ...base,
          clientName: 'C',
          clientIdentity: 'i',
          resource: 'r',
          scopes: [],
          tools: {},
          upstreams: [],
        },
        ...{ version: 1, updatedAt: 1, expiresAt: 9, endedAt: null, endedBy: null },
      }),
      two.one.families.insert({
        ...{ id, ...base, lastUsedAt: null, accessUntil: null, endedAt: null, endedBy: null },
      }),
      two.one.families.link(id, id),
    );
    await work.commit();
    return id;
  }

  it.each([
    ['this process', () => two.one],
    ['another process', () => two.other],
  ])('what %s writes is seen by the next to ask', async (_who, who) => {
    const f = await family();
    const ended = async () => (await two.one.families.standing(f, f))?.family.endedAt;
    expect([await ended(), await ended()]).toEqual([null, null]);
    expect((await two.one.families.standing(f, f))?.revoked).toBe(false);
    const revoking = who().work();
    revoking.add(who().families.revokeToken(f, 9));
    await revoking.commit();
    expect((await two.one.families.standing(f, f))?.revoked).toBe(true);
    expect((await two.one.families.standing(f, 'k'))?.revoked).toBe(false);
    const ending = who().work();
    ending.add(who().families.end(f, 'test', 5));
    await ending.commit();
    expect(await ended()).toBe(5);
  });
});
