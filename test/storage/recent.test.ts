// Clients that are kept in memory: what this process writes is seen at once; what another one writes, at once on SQLite
// and after a second at most on PostgreSQL. THREATS P19.

import { describe, expect, it, vi } from 'vitest';
import { random } from '../../src/crypto.ts';
import type { ClientRow } from '../../src/storage/clients.ts';
import type { Storage } from '../../src/storage/open.ts';
import { recent } from '../../src/storage/recent.ts';
import { databases } from '../support/databases.ts';
import { twice } from '../support/twice.ts';

describe('a row', () => {
  const storeOf = (others: unknown) => {
    const state = { own: 0, others, value: 'old' };
    const read = vi.fn(async (): Promise<string | undefined> => state.value);
    const options = {
      keeps: (row: string) => row !== 'off',
      touched: () => state.own,
      others: () => state.others,
    };
    return { state, read, find: recent({ ...options, read }) };
  };

  it('is read once, and again after this process or another has written', async () => {
    const { state, read, find } = storeOf(1);
    expect([await find('a'), await find('a')]).toEqual(['old', 'old']);
    expect(read).toHaveBeenCalledTimes(1);
    [state.own, state.value] = [1, 'new'];
    expect(await find('a')).toBe('new');
    [state.others, state.value] = [2, 'newer'];
    expect(await find('a')).toBe('newer');
  });

  it('is believed for a second where nothing tells of other processes', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const { state, find } = storeOf(undefined);
      await find('a');
      state.value = 'new';
      vi.advanceTimersByTime(999);
      expect(await find('a')).toBe('old');
      vi.advanceTimersByTime(1);
      expect(await find('a')).toBe('new');
    } finally {
      vi.useRealTimers();
    }
  });

  it('that a write overtook while it was read is given and not kept', async () => {
    const { state, read, find } = storeOf(1);
    read.mockImplementationOnce(async () => {
      [state.own, state.value] = [1, 'new'];
      return 'old';
    });
    expect(await find('a')).toBe('old');
    expect(await find('a')).toBe('new');
  });

  it('that is not there, or not to be kept, is asked for every time', async () => {
    const { state, read, find } = storeOf(1);
    state.value = 'off';
    await find('a');
    await find('a');
    read.mockImplementation(async () => undefined);
    await find('a');
    await find('a');
    expect(read).toHaveBeenCalledTimes(4);
  });
});

describe.each(databases)('a client on %s', (_name, make) => {
  const two = twice(make);

  async function used(): Promise<ClientRow> {
    const [id, work] = [random(), two.one.work()];
    const row: ClientRow = {
      ...{
        id,
        origin: 'registered',
        name: 'C',
        metadata: { client_name: 'C' },
        secret: 's',
        management: null,
      },
      ...{ kind: null, createdAt: 1, lastUsedAt: 1, disabledAt: null },
    };
    work.add(two.one.clients.insert(row));
    await work.commit();
    return row;
  }

  it('is the same object again, whatever else is written', async () => {
    const { id } = await used();
    const before = await two.one.clients.recent(id);
    const work = two.one.work();
    work.add(two.one.grants.endAllOfAccount('nobody', 'test', 1));
    await work.commit();
    expect(await two.one.clients.recent(id)).toBe(before);
  });

  it.each<[string, (store: Storage['clients'], row: ClientRow) => ReturnType<Storage['clients']['remove']>]>([
    ['disabled', (store, row) => store.disable({ ...row, disabledAt: 5 })],
    ['disabled by its row', (store, row) => store.setDisabled(row.id, 5)],
    ['withdrawn', (store, row) => store.retire({ ...row, origin: 'removed', secret: null })],
    ['removed', (store, row) => store.bury({ ...row, origin: 'removed', secret: null })],
    ['deleted', (store, row) => store.remove(row.id)],
    ['changed', (store, row) => store.update({ ...row, name: 'D' })],
    ['declared anew', (store, row) => store.replace({ ...row, secret: 't' })],
  ])('that is %s is so for whoever asks next', async (_how, write) => {
    const row = await used();
    await two.one.clients.recent(row.id);
    const work = two.one.work();
    work.add(write(two.one.clients, row));
    await work.commit();
    const now = await two.one.clients.find(row.id);
    expect(now).not.toEqual(row);
    expect(await two.one.clients.recent(row.id)).toEqual(now);
  });

  it('that another process disables is so within a second', async () => {
    const row = await used();
    await two.one.clients.recent(row.id);
    const work = two.other.work();
    work.add(two.other.clients.disable({ ...row, disabledAt: 5 }));
    await work.commit();
    const seen = async () => (await two.one.clients.recent(row.id))?.disabledAt;
    if (two.one.dialect === 'sqlite') expect(await seen()).toBe(5);
    else await vi.waitFor(async () => expect(await seen()).toBe(5), { timeout: 5_000 });
  });
});
