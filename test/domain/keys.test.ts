// Keys on both databases, with two processes' worth of rooms on each.

import { randomBytes } from 'node:crypto';
import { getTableConfig } from 'drizzle-orm/pg-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { type KeyRing, sealedWith, sealingKey } from '../../src/crypto.ts';
import { audit } from '../../src/domain/audit.ts';
import { keys } from '../../src/domain/keys.ts';
import { postgresColumns } from '../../src/storage/columns.ts';
import type { Storage } from '../../src/storage/open.ts';
import { tables } from '../../src/storage/schema.ts';
import { databases } from '../support/databases.ts';
import { twice } from '../support/twice.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const kek = () => sealingKey(randomBytes(32).toString('base64url'));

describe.each(databases)('on %s', (_name, make) => {
  const two = twice(make);
  let now: number;
  let ring: KeyRing;
  beforeEach(async () => {
    now = 1_800_000_000_000;
    ring = { current: kek(), previous: [] };
    const work = two.one.work();
    for (const table of ['signing_keys', 'secrets', 'audit'])
      work.add({ sql: `DELETE FROM ${table}`, params: [] });
    await work.commit();
  });

  const room = (storage: Storage, given = ring) =>
    keys({
      store: storage.keys,
      audit: audit({ store: storage.audit, clock: () => now }),
      clock: () => now,
      ring: given,
      rotation: { every: 90 * 86_400, publishBefore: 86_400 },
      work: storage.work,
    });
  const both = (): [Room, Room] => [room(two.one), room(two.other)];
  type Room = ReturnType<typeof room>;
  const states = async (of: Room) => (await of.list()).map(({ state }) => state).sort();
  const signing = async (of: Room) => (await of.list()).find(({ state }) => state === 'current')?.kid;
  const recorded = async (action: string) =>
    (await two.one.audit.latest(1_000)).filter((row) => row.action === action).length;

  it('processes that start at once make one root and one key for each algorithm', async () => {
    const [one, two] = both();
    const roots = await Promise.all([one.root(), two.root()]);
    expect(roots[0]).toEqual(roots[1]);
    await Promise.all([one, two].map((each) => each.ensure(['ES256', 'EdDSA'])));
    expect(await states(one)).toEqual(['current', 'current']);
    expect(await recorded('key.made')).toBe(2);
  });

  it('a key is published a day before it signs, signs for ninety, and stays published until it is forgotten', async () => {
    const [one] = both();
    await one.ensure(['ES256']);
    const former = await signing(one);
    now += 89 * DAY - 1;
    await one.rotate('schedule');
    expect(await states(one)).toEqual(['current']);
    now += 1;
    await one.rotate('schedule');
    expect(await states(one)).toEqual(['current', 'next']);
    now += DAY - 1;
    await one.rotate('schedule');
    expect(await signing(one)).toBe(former);
    now += 1;
    await one.rotate('schedule');
    expect(await states(one)).toEqual(['current', 'retired']);
    expect(await signing(one)).not.toBe(former);
    await one.forgetRetired(now);
    expect((await one.list()).map(({ kid }) => kid)).toContain(former);
    await one.forgetRetired(now + 1);
    expect(await states(one)).toEqual(['current']);
  });

  it('a server that was off when a key was due still publishes the next one for a day first', async () => {
    const [one] = both();
    await one.ensure(['ES256']);
    now += 400 * DAY;
    expect(await one.rotate('schedule')).toMatchObject([{ step: 'published' }]);
    expect(await one.rotate('schedule')).toMatchObject([{ step: 'waiting', at: now + DAY }]);
    now += DAY;
    expect(await one.rotate('schedule')).toMatchObject([{ step: 'moved' }]);
  });

  it('asked for, a key moves when it was published for five minutes; in an emergency at once', async () => {
    const [one] = both();
    await one.ensure(['ES256']);
    expect(await one.rotate('asked')).toMatchObject([{ step: 'published' }]);
    now += 5 * MINUTE - 1;
    expect(await one.rotate('asked')).toMatchObject([{ step: 'waiting', at: now + 1 }]);
    now += 1;
    expect(await one.rotate('asked')).toMatchObject([{ step: 'moved' }]);
    expect(await one.rotate('now')).toMatchObject([{ step: 'published' }]);
    expect(await one.rotate('now')).toMatchObject([{ step: 'moved' }]);
  });

  it('of two processes that rotate at once one does it, and whoever signs is published by both', async () => {
    const rooms = both();
    await rooms[0].ensure(['ES256']);
    const rounds = process.env['CARDEA_LONG'] ? 200 : 12;
    for (let round = 0; round < rounds; round += 1) {
      const before = (await rooms[0].list()).map(({ kid }) => kid);
      const steps = rooms.map(async (each) => (await each.rotate('now'))[0]?.step);
      const seen = await Promise.all(rooms.map((each) => each.list()));
      for (const list of seen) {
        const kids = list.map(({ kid }) => kid);
        expect(before.filter((kid) => !kids.includes(kid))).toEqual([]);
        expect(list.filter(({ state }) => state === 'current')).toHaveLength(1);
      }
      await Promise.all(steps);
      const inUse = (await states(rooms[1])).filter((state) => state !== 'retired');
      expect(new Set(inUse).size).toBe(inUse.length);
    }
    const all = await states(rooms[0]);
    expect(await recorded('key.rotated')).toBe(all.filter((state) => state === 'retired').length);
    expect(await recorded('key.made')).toBe(all.length);
  });

  it('a wrong key opens neither the root nor a signing key, and seals nothing', async () => {
    const [one] = both();
    await one.root();
    await one.ensure(['ES256']);
    const other = room(two.other, { current: kek(), previous: [] });
    await expect(other.root()).rejects.toMatchObject({ reason: 'wrong_key' });
    await expect(other.list()).rejects.toMatchObject({ reason: 'wrong_key' });
    await expect(other.rewrap()).rejects.toMatchObject({ reason: 'wrong_key' });
  });

  it('a rewrap leaves nothing that needs the key of before, and every value as it was', async () => {
    const before = room(two.one);
    const root = await before.root();
    await before.ensure(['ES256', 'RS256']);
    const was = await before.list();
    const fresh = kek();
    const after = room(two.other, { current: fresh, previous: [kek(), ring.current] });
    expect(await after.root()).toEqual(root);
    // two at once, and one of them stopped and begun again
    const counts = await Promise.all([after.rewrap(), after.rewrap()]);
    expect(counts.reduce((sum, each) => sum + each.rewrapped, 0)).toBe(3);
    expect(await after.rewrap()).toEqual({ rewrapped: 0, already: 3, changedMeanwhile: 0 });
    for await (const { sealed } of two.one.keys.sealed()) expect(sealedWith(sealed)).toBe(fresh.id);
    const alone = room(two.one, { current: fresh, previous: [] });
    expect(await alone.root()).toEqual(root);
    const der = (each: (typeof was)[number]) => each.private.export({ format: 'der', type: 'pkcs8' });
    expect((await alone.list()).map(der)).toEqual(was.map(der));
    // a process that still runs with the key of before has opened them already
    expect(await before.list()).toHaveLength(2);
    await expect(room(two.one).list()).rejects.toMatchObject({ reason: 'wrong_key' });
  });

  it('a sealed value moved to another row does not open', async () => {
    const [one] = both();
    await one.root();
    await one.ensure(['ES256', 'EdDSA']);
    const [first, second] = await Array.fromAsync(two.one.keys.sealed());
    const work = two.one.work();
    if (first && second) work.add(two.one.keys.reseal(first, second.sealed));
    await work.commit();
    await expect(room(two.other).list()).rejects.toMatchObject({ reason: 'wrong_key' });
  });
});

it('every column that holds bytes is sealed, and known to rewrap', () => {
  const columns = Object.values(tables(postgresColumns)).flatMap((table) => {
    const { name, columns } = getTableConfig(table as never);
    return columns
      .filter((column) => column.getSQLType() === 'bytea')
      .map((column) => `${name}.${column.name}`);
  });
  expect(columns.sort()).toEqual([
    'secrets.value',
    'signing_keys.private',
    'upstream_connections.sealed',
    'upstreams.secret',
  ]);
});
