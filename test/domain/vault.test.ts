// The vault on both databases, with two processes' worth of rooms on each. THREATS J10, J15, J16, J18–J24, I30, N05.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type KeyRing, random, sealedWith, sealingKey } from '../../src/crypto.ts';
import { audit } from '../../src/domain/audit.ts';
import { keys } from '../../src/domain/keys.ts';
import { LEASE } from '../../src/domain/vault/refreshing.ts';
import { vault } from '../../src/domain/vault.ts';
import { openStorage, type Storage } from '../../src/storage/open.ts';
import { databases, type TestDatabase } from '../support/databases.ts';
import { type RotatingUpstream, rotatingUpstream } from '../support/rotating-upstream.ts';

const kek = () => sealingKey(randomBytes(32).toString('base64url'));
const UPSTREAM = 'company';

/** SQLite's placeholders as PostgreSQL writes them. */
const numbered = (sql: string): string => {
  let place = 0;
  return sql.replace(/\?/g, () => `$${++place}`);
};

describe.each(databases)('on %s', (dialect, make) => {
  let database: TestDatabase;
  let storages: [Storage, Storage];
  let upstream: RotatingUpstream;
  let ring: KeyRing;
  let now = 1_800_000_000_000;
  const clock = () => now;

  beforeAll(async () => {
    database = await make();
    storages = [await openStorage(database.location), await openStorage(database.location)];
    ring = { current: kek(), previous: [] };
  }, 60_000);
  afterAll(async () => {
    for (const storage of storages ?? []) await storage.close();
    await database?.remove();
  });
  beforeEach(async () => {
    upstream = await rotatingUpstream(clock);
    return upstream.close;
  });

  const room = (storage: Storage, given = ring) => {
    const record = audit({ store: storage.audit, clock });
    const connector = (name: string) => (name === UPSTREAM ? upstream.connector : undefined);
    const { upstreamConnections: store, work } = storage;
    return vault({ store, audit: record, clock, ring: given, connector, work });
  };
  type Room = ReturnType<typeof room>;
  const both = () => storages.map((storage) => room(storage)) as [Room, Room];

  async function durably<T>(task: (work: ReturnType<Storage['work']>) => Promise<T> | T): Promise<T> {
    const work = storages[0].work();
    const result = await task(work);
    await work.commit();
    return result;
  }

  /** An account with a live grant and family that may use the upstream. */
  async function person(upstreams = [UPSTREAM]) {
    const accountId = random(8);
    const [grantId, familyId] = [random(8), random(8)];
    const { grants, families } = storages[0];
    const common = { accountId, clientId: 'client', createdAt: now, endedAt: null, endedBy: null };
    await durably((work) => {
      work.add(
        grants.insert({
          ...common,
          ...{ id: grantId, clientName: 'C', clientIdentity: 'i', resource: 'https://r.example/' },
          ...{ scopes: [], tools: {}, upstreams, version: 1, updatedAt: now, expiresAt: now + 1e9 },
        }),
        families.insert({ ...common, id: familyId, lastUsedAt: null, accessUntil: null }),
      );
    });
    return { accountId, grantId, familyId };
  }

  type Person = Awaited<ReturnType<typeof person>>;
  const who = (subject: string) => ({ issuer: 'https://up.example', subject, username: subject, groups: [] });
  const connect = (
    of: Room,
    { accountId }: Person,
    subject = accountId,
    scopes = ['read'],
    tokens = upstream.tokens(scopes),
  ) => {
    return durably((work) =>
      of.connect(work, { accountId, upstream: UPSTREAM, person: who(subject), tokens }),
    );
  };
  const deliver = (of: Room, as: Person, asked: { scopes?: string[]; whole?: boolean } = {}) =>
    durably((work) =>
      of.deliver(work, { ...as, upstream: UPSTREAM, scopes: ['read'], whole: false, ...asked }),
    );
  const rowOf = async ({ accountId }: Person) =>
    (await storages[0].upstreamConnections.live(accountId, UPSTREAM)) as NonNullable<
      Awaited<ReturnType<Storage['upstreamConnections']['live']>>
    >;
  const tamper = (sql: string, params: unknown[]) =>
    durably((work) =>
      work.add({
        sql: dialect === 'SQLite' ? sql : numbered(sql),
        params,
      }),
    );

  it('gives what was connected, to that account and to no other', async () => {
    const [one] = both();
    const [sam, eve] = [await person(), await person()];
    await connect(one, sam);
    const delivered = await deliver(one, sam);
    expect(upstream.given).toContain(delivered.accessToken);
    expect(JSON.stringify(delivered)).not.toContain('rt-');
    await expect(deliver(one, eve)).rejects.toMatchObject({
      oauth: 'connect_required',
      reason: 'upstream_not_connected',
    });
  });

  it('a hundred that want an expired token at once, in two processes, cause one refresh', async () => {
    const rooms = both();
    const sam = await person();
    await connect(rooms[0], sam);
    now += upstream.knobs.lifetime;
    upstream.knobs.delay = 200;
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, index) => deliver(rooms[index % 2] as Room, sam)),
    );
    expect(new Set(all.map(({ accessToken }) => accessToken)).size).toBe(1);
    expect(upstream.asked.refresh).toBe(1);
    expect(await rowOf(sam)).toMatchObject({ version: 2, refreshingUntil: null });
  });

  it('a process that died after the upstream had rotated: asked once more, then it has to be connected again', async () => {
    const [one, two] = both();
    const sam = await person();
    await connect(one, sam);
    now += upstream.knobs.lifetime;
    const before = await rowOf(sam);
    // what is left of it: its claim is committed, the upstream has rotated, our commit never came
    await durably((work) =>
      work.add(storages[0].upstreamConnections.claim(before.id, before.version, now, now + LEASE)),
    );
    upstream.live.clear();
    now += LEASE + 1;
    await expect(deliver(two, sam)).rejects.toMatchObject({ reason: 'upstream_ended' });
    for (const each of [one, two, one])
      await expect(deliver(each, sam)).rejects.toMatchObject({ reason: 'upstream_not_connected' });
    expect(upstream.asked.refresh).toBe(1);
    expect(await two.list(sam.accountId)).toMatchObject([{ upstream: UPSTREAM, ended: 'refresh_lost' }]);
    const row = await storages[0].upstreamConnections.find(before.id);
    expect(row?.sealed).toBeNull();
    await connect(one, sam);
    expect(await deliver(two, sam)).toBeDefined();
    expect((await one.list(sam.accountId)).map(({ ended }) => ended)).toEqual([undefined]);
  });

  it('a process that died before it asked costs nothing but the wait', async () => {
    const [one, two] = both();
    const sam = await person();
    await connect(one, sam);
    now += upstream.knobs.lifetime;
    const { id, version } = await rowOf(sam);
    await durably((work) => work.add(storages[0].upstreamConnections.claim(id, version, now, now + LEASE)));
    now += LEASE + 1;
    expect((await deliver(two, sam)).accessToken).toMatch(/^at-/);
    expect(upstream.asked.refresh).toBe(1);
  });

  it('an upstream that says it is over is asked once, and the person is told', async () => {
    const rooms = both();
    const sam = await person();
    await connect(rooms[0], sam);
    now += upstream.knobs.lifetime;
    upstream.live.clear();
    const tries = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => deliver(rooms[index % 2] as Room, sam)),
    );
    for (const each of tries)
      expect(each).toMatchObject({ status: 'rejected', reason: { oauth: 'connect_required' } });
    expect(upstream.asked.refresh).toBe(1);
    expect(await rooms[1].list(sam.accountId)).toMatchObject([{ ended: 'revoked_upstream' }]);
    await rooms[0].settle();
    expect(upstream.asked.revoke).toBe(0);
  });

  it('an upstream that is away is not hammered at, and is asked again later', async () => {
    const rooms = both();
    const sam = await person();
    await connect(rooms[0], sam);
    now += upstream.knobs.lifetime;
    upstream.knobs.down = true;
    for (const index of [0, 1, 0, 1]) {
      await expect(deliver(rooms[index] as Room, sam)).rejects.toMatchObject({
        status: 503,
        reason: 'upstream_unavailable',
      });
    }
    expect(upstream.asked.refresh).toBe(1);
    upstream.knobs.down = false;
    now += 60_000;
    expect((await deliver(rooms[1], sam)).accessToken).toMatch(/^at-/);
    expect(await rowOf(sam)).toMatchObject({ attempts: 0, retryAt: null });
  });

  it('a token that still holds is given while the upstream is away', async () => {
    const [one] = both();
    const sam = await person();
    await connect(one, sam);
    now += upstream.knobs.lifetime - 20_000;
    upstream.knobs.down = true;
    await expect(deliver(one, sam)).rejects.toMatchObject({ status: 503 });
    expect((await deliver(one, sam)).expiresAt).toBe(now + 20_000);
    expect(upstream.asked.refresh).toBe(1);
  });

  it('tokens that arrive after the end are given back to the upstream', async () => {
    const [one, two] = both();
    const sam = await person();
    await connect(one, sam);
    const { id } = await rowOf(sam);
    now += upstream.knobs.lifetime;
    upstream.knobs.delay = 300;
    const late = deliver(one, sam);
    const refused = expect(late).rejects.toMatchObject({ reason: 'upstream_ended' });
    while (upstream.asked.refresh === 0) await new Promise((soon) => setTimeout(soon, 5));
    await durably((work) => two.end(work, sam.accountId, id, 'ended_by_person'));
    await refused;
    expect(upstream.live.size).toBe(1);
    await two.settle();
    expect(upstream.live.size).toBe(0);
    expect((await storages[0].upstreamConnections.find(id))?.sealed).toBeNull();
  });

  it('what is ended is told to the upstream, also when it was away at first', async () => {
    const [one, two] = both();
    const sam = await person();
    await connect(one, sam);
    const { id } = await rowOf(sam);
    await expect(durably((work) => one.end(work, 'eve', id, 'ended_by_person'))).rejects.toMatchObject({
      status: 404,
    });
    await durably((work) => one.end(work, sam.accountId, id, 'ended_by_person'));
    upstream.knobs.down = true;
    await Promise.all([one.settle(), two.settle()]);
    expect(upstream.asked.revoke).toBe(1);
    upstream.knobs.down = false;
    await one.settle();
    expect(upstream.asked.revoke).toBe(1);
    now += 120_000;
    await Promise.all([one.settle(), two.settle()]);
    expect([upstream.asked.revoke, upstream.live.size]).toEqual([2, 0]);
    expect(await one.list(sam.accountId)).toEqual([]);
  });

  it('somebody who has connected again is not cut off by the end of the former connection', async () => {
    const [one] = both();
    const sam = await person();
    await connect(one, sam);
    const { id } = await rowOf(sam);
    await durably((work) => one.end(work, sam.accountId, id, 'ended_by_person'));
    await connect(one, sam);
    await one.settle();
    expect(upstream.asked.revoke).toBe(0);
    // another person there takes the place of the former one, who is told
    await connect(one, sam, 'robin');
    await one.settle();
    expect(upstream.asked.revoke).toBe(1);
    expect((await one.list(sam.accountId)).map(({ name }) => name)).toEqual(['robin']);
  });

  it('the end of the last grant that names an upstream ends the connection, and no earlier one does', async () => {
    const [one] = both();
    const sam = await person();
    await connect(one, sam);
    const second = await person();
    await tamper('UPDATE grants SET account_id = ?, client_id = ? WHERE id = ?', [
      sam.accountId,
      'other',
      second.grantId,
    ]);
    for (const [index, grantId] of [sam.grantId, second.grantId].entries()) {
      await durably((work) => {
        work.add(storages[0].grants.end(grantId, 'ended_by_person', now));
        one.endUnused(work, sam.accountId);
      });
      expect((await one.list(sam.accountId)).length).toBe(1 - index);
    }
  });

  it('nothing leaves when grant, family or connection ended in the same moment', async () => {
    const [one, two] = both();
    for (const what of ['grant', 'family', 'connection'] as const) {
      const sam = await person();
      await connect(one, sam);
      const { id } = await rowOf(sam);
      const late = storages[1].work();
      await two.deliver(late, { ...sam, upstream: UPSTREAM, scopes: ['read'], whole: false });
      await durably(async (work) => {
        if (what === 'grant') work.add(storages[0].grants.end(sam.grantId, 'x', now));
        if (what === 'family') work.add(storages[0].families.end(sam.familyId, 'x', now));
        if (what === 'connection') await one.end(work, sam.accountId, id, 'x');
      });
      await expect(late.commit(), what).rejects.toMatchObject({ reason: 'upstream_ended' });
    }
  });

  it('a token that can do more than was asked for is made smaller, or refused, or allowed by the operator', async () => {
    const [one] = both();
    const sam = await person();
    await connect(one, sam, sam.accountId, ['read', 'write', 'openid']);
    await expect(deliver(one, sam)).rejects.toMatchObject({ oauth: 'invalid_scope' });
    expect((await deliver(one, sam, { whole: true })).scopes).toEqual(['read', 'write', 'openid']);
    expect((await deliver(one, sam, { scopes: ['read', 'write'] })).accessToken).toMatch(/^at-/);
    upstream.knobs.downScope = true;
    expect(await deliver(one, sam)).toMatchObject({
      accessToken: expect.stringMatching(/^small-/),
      scopes: ['read'],
    });
    await expect(deliver(one, sam, { scopes: ['admin'] })).rejects.toMatchObject({
      oauth: 'connect_required',
      reason: 'upstream_scope_missing',
    });
  });

  it('a process that has just started finds out whether there is a smaller token before it gives a whole one', async () => {
    const [one] = both();
    const sam = await person();
    await connect(one, sam, sam.accountId, ['read', 'write']);
    Object.assign(upstream.knobs, { downScope: true, down: true });
    upstream.asks.unread = true;
    await expect(deliver(one, sam, { whole: true })).rejects.toMatchObject({ status: 503 });
    upstream.knobs.down = false;
    expect((await deliver(one, sam, { whole: true })).accessToken).toMatch(/^small-/);
  });

  it('a token of which nobody knows what it can do is the whole one, and wants the same leave', async () => {
    const [one] = both();
    const sam = await person();
    await connect(one, sam, sam.accountId, []);
    await expect(deliver(one, sam)).rejects.toMatchObject({ reason: 'upstream_scope_too_wide' });
    expect((await deliver(one, sam, { whole: true })).accessToken).toMatch(/^at-/);
  });

  it('I30: a token without an end that was ended there is noticed by the next who wants it, and asked about once', async () => {
    const rooms = both();
    const sam = await person();
    const { refreshToken: _none, ...lasting } = { ...upstream.tokens(['read']), expiresAt: null };
    await connect(rooms[0], sam, sam.accountId, ['read'], lasting);
    upstream.asks.alive = true;
    for (let again = 0; again < 3; again += 1) await deliver(rooms[0], sam);
    expect(upstream.asked.alive).toBe(1);
    upstream.dead.add(lasting.accessToken);
    now += 60_000;
    upstream.knobs.down = true; // that it cannot say so is no answer
    expect((await deliver(rooms[0], sam)).accessToken).toBe(lasting.accessToken);
    now += 60_000;
    upstream.knobs.down = false;
    await expect(deliver(rooms[0], sam)).rejects.toMatchObject({
      oauth: 'connect_required',
      reason: 'upstream_ended',
    });
    await expect(deliver(rooms[1], sam)).rejects.toMatchObject({ reason: 'upstream_not_connected' });
    expect([upstream.asked.alive, upstream.asked.refresh]).toEqual([3, 0]);
    expect(await rooms[1].list(sam.accountId)).toMatchObject([{ ended: 'revoked_upstream' }]);
  });

  it('a token that the upstream does not take before it runs out is renewed once, by one of many', async () => {
    const rooms = both();
    const sam = await person();
    const first = upstream.tokens(['read', 'write']);
    await connect(rooms[0], sam, sam.accountId, ['read', 'write'], first);
    upstream.knobs.downScope = true;
    upstream.dead.add(first.accessToken);
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, index) => deliver(rooms[index % 2] as Room, sam)),
    );
    for (const each of all) expect(each.accessToken).toMatch(/^small-/);
    expect(upstream.asked.refresh).toBe(1);
    // and if the upstream has ended all of it, that is said once and to everybody
    upstream.live.clear();
    upstream.dead.add(upstream.given.at(-2) as string);
    const over = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => deliver(rooms[index % 2] as Room, sam)),
    );
    for (const each of over)
      expect(each).toMatchObject({ status: 'rejected', reason: { oauth: 'connect_required' } });
    expect(upstream.asked.refresh).toBe(2);
  });

  it('an upstream that makes nothing even of its newest token is not asked for ever', async () => {
    const [one] = both();
    const sam = await person();
    await connect(one, sam, sam.accountId, ['read', 'write']);
    upstream.knobs.downScope = true;
    upstream.dead.has = () => true;
    await expect(deliver(one, sam)).rejects.toMatchObject({ oauth: 'connect_required' });
    await expect(deliver(one, sam)).rejects.toMatchObject({ reason: 'upstream_not_connected' });
    expect(upstream.asked.refresh).toBe(1);
  });

  it('the upstream is not told of an end while another account of the same person there goes on', async () => {
    const [one] = both();
    const [sam, also] = [await person(), await person()];
    for (const each of [sam, also]) await connect(one, each, 'shared');
    const end = async (of: Person) => {
      const { id } = await rowOf(of);
      await durably((work) => one.end(work, of.accountId, id, 'ended_by_person'));
      await one.settle();
    };
    await one.settle();
    const before = upstream.asked.revoke;
    await end(sam);
    expect(upstream.asked.revoke).toBe(before);
    expect((await deliver(one, also)).accessToken).toMatch(/^at-/);
    await end(also);
    expect(upstream.asked.revoke).toBe(before + 1);
  });

  it('what the upstream gave and nobody may keep is given back', async () => {
    const [one] = both();
    const sam = await person();
    const tokens = upstream.tokens(['read']);
    await one.giveBack({ accountId: sam.accountId, upstream: UPSTREAM, person: who('nobody'), tokens });
    expect(await one.list(sam.accountId)).toEqual([]);
    await one.settle();
    expect(upstream.live.size).toBe(0);
  });

  it('a grant that runs out, as no grant says, ends what it alone could use', async () => {
    const [one] = both();
    const [sam, eve] = [await person(), await person()];
    for (const each of [sam, eve]) await connect(one, each);
    await one.sweep();
    expect(await one.find(sam.accountId, UPSTREAM)).toBeDefined();
    now += 1e9 + 1;
    const lasting = await storages[0].grants.find(eve.grantId);
    if (!lasting) expect.fail();
    await durably((work) =>
      work.add(storages[0].grants.insert({ ...lasting, id: random(8), clientId: 'b', expiresAt: now + 1e9 })),
    );
    await one.sweep();
    expect(await one.find(sam.accountId, UPSTREAM)).toBeUndefined();
    expect(await one.find(eve.accountId, UPSTREAM)).toBeDefined();
  });

  it('a pasted key is given as it is, and is shown by its last characters only', async () => {
    const [one] = both();
    const sam = await person();
    const key = `sk-${random(24)}`;
    await durably((work) => one.connectKey(work, { accountId: sam.accountId, upstream: UPSTREAM, key }));
    expect(await deliver(one, sam)).toMatchObject({ accessToken: key, expiresAt: null });
    expect(JSON.stringify(await one.list(sam.accountId))).not.toContain(key.slice(0, -4));
    for (const bad of ['', 'short', 'with a space in it', 'x'.repeat(5_000), 'line\nbreak-in-it'])
      await expect(
        durably((work) => one.connectKey(work, { accountId: sam.accountId, upstream: UPSTREAM, key: bad })),
      ).rejects.toMatchObject({ reason: 'upstream_key_form' });
  });

  it("another row's tokens, another column's, and an older version's do not open", async () => {
    const [one] = both();
    const [sam, eve] = [await person(), await person()];
    await connect(one, sam);
    await connect(one, eve, 'eve');
    const [hers, older] = [await rowOf(eve), await rowOf(sam)];
    const unreadable = { reason: 'vault_unreadable', status: 503 };
    const swap = (sealed: Buffer | null) =>
      tamper('UPDATE upstream_connections SET sealed = ? WHERE id = ?', [sealed, hers.id]);
    await swap(older.sealed);
    await expect(deliver(one, eve)).rejects.toMatchObject(unreadable);
    await swap(hers.sealed);
    expect(await deliver(one, eve)).toBeDefined();
    await connect(one, eve, 'eve'); // the next version
    await swap(hers.sealed);
    await expect(deliver(one, eve)).rejects.toMatchObject(unreadable);
    // renamed to somebody else's account
    await tamper('UPDATE upstream_connections SET account_id = ? WHERE id = ?', ['mallory', older.id]);
    await expect(deliver(one, { ...sam, accountId: 'mallory' })).rejects.toMatchObject(unreadable);
  });

  it('a flipped bit or a missing byte anywhere spoils that row alone, in the same words', async () => {
    const [one] = both();
    const [sam, eve] = [await person(), await person()];
    await connect(one, sam);
    await connect(one, eve, 'eve');
    const { id, sealed } = await rowOf(eve);
    const whole = sealed as Buffer;
    const spoilt = [Buffer.alloc(0), whole.subarray(0, -1), whole.subarray(0, 40)];
    for (let at = 0; at < whole.length; at += 7) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] as number) ^ 1;
      spoilt.push(flipped);
    }
    const said = new Set<string>();
    for (const bytes of spoilt) {
      await tamper('UPDATE upstream_connections SET sealed = ? WHERE id = ?', [bytes, id]);
      const error = await deliver(one, eve).catch((thrown: Error) => thrown);
      said.add((error as Error).message);
    }
    expect([...said]).toEqual(['What is kept of this upstream cannot be read.']);
    expect(await deliver(one, sam)).toBeDefined();
  });

  it('keys rewrap re-wraps the vault, and a token refreshed meanwhile is left alone', async () => {
    const [sam] = [await person()];
    await connect(room(storages[0]), sam);
    const fresh = { current: kek(), previous: [ring.current] };
    const record = audit({ store: storages[0].audit, clock });
    const rotation = { every: 1, publishBefore: 1 };
    const rewrapping = (given: KeyRing) =>
      keys({ store: storages[0].keys, audit: record, clock, ring: given, rotation, work: storages[0].work });
    // rows that the tests above spoilt open with no key
    await tamper('DELETE FROM upstream_connections WHERE account_id <> ?', [sam.accountId]);
    expect((await rewrapping(fresh).rewrap()).rewrapped).toBe(1);
    expect(sealedWith((await rowOf(sam)).sealed as Buffer)).toBe(fresh.current.id);
    expect(await deliver(room(storages[1], { current: fresh.current, previous: [] }), sam)).toBeDefined();
    await expect(deliver(room(storages[1]), sam)).rejects.toMatchObject({ reason: 'vault_unreadable' });
    ring = { current: fresh.current, previous: [] };
  });

  it('no secret of an upstream is in the database in any form', async () => {
    const [one] = both();
    const sam = await person();
    await connect(one, sam);
    const key = `sk-${random(24)}`;
    await durably((work) => one.connectKey(work, { accountId: random(8), upstream: UPSTREAM, key }));
    now += upstream.knobs.lifetime;
    await deliver(one, sam);
    expect(upstream.given.length).toBe(4);
    const files =
      database.location.kind === 'sqlite'
        ? ['', '-wal'].map((end) => readFileSync((database.location as { file: string }).file + end))
        : [Buffer.from(JSON.stringify(await everything(storages[0])))];
    for (const secret of [...upstream.given, key]) {
      const bytes = Buffer.from(secret);
      const forms = [secret, bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')];
      for (const form of forms) {
        const bare = form.replace(/=+$/, '').slice(0, -2);
        for (const file of files) expect(file.includes(bare), form).toBe(false);
      }
    }
  });

  const everything = async (storage: Storage) => {
    const rows = await Array.fromAsync(storage.keys.sealed());
    return [
      rows.map(({ sealed, ...row }) => ({ ...row, sealed: sealed.toString('latin1') })),
      await storage.audit.latest(10_000),
    ];
  };
});
