// The registry of upstreams on both databases: who may change it, what lies in it, and what somebody can do who can
// write to the database but has no key.

import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { secret } from '../../../src/config/secret.ts';
import type { UpstreamDeclaration } from '../../../src/config.ts';
import { type KeyRing, sealedWith, sealingKey } from '../../../src/crypto.ts';
import { audit } from '../../../src/domain/audit.ts';
import { keys } from '../../../src/domain/keys.ts';
import { upstreams } from '../../../src/domain/upstream.ts';
import { Refusal } from '../../../src/errors.ts';
import { outbound } from '../../../src/outbound.ts';
import type { Storage } from '../../../src/storage/open.ts';
import { databases } from '../../support/databases.ts';
import { twice } from '../../support/twice.ts';
import { declarationOf } from '../../support/upstream-trip.ts';

const kek = () => sealingKey(randomBytes(32).toString('base64url'));
const SECRET = 'a-secret-of-the-upstream-0001';
const acme = declarationOf({ name: 'acme', issuer: 'https://login.acme.example', secret: SECRET });

describe.each(databases)('on %s', (_name, make) => {
  const two = twice(make);
  let ring: KeyRing;
  const run = async (sql: string, ...params: unknown[]) => {
    const work = two.one.work();
    work.add({ sql, params });
    await work.commit();
  };
  beforeEach(async () => {
    ring = { current: kek(), previous: [] };
    for (const table of ['upstreams', 'audit']) await run(`DELETE FROM ${table}`);
  });

  const room = (storage = two.one, given = ring) =>
    upstreams({
      store: storage.upstreams,
      ring: given,
      audit: audit({ store: storage.audit, clock: Date.now }),
      clock: Date.now,
      outbound: outbound({ allowLoopback: true }),
    });
  const change = async (task: (work: ReturnType<Storage['work']>) => unknown, storage = two.one) => {
    const work = storage.work();
    await task(work);
    await work.commit();
  };
  const secretOf = (one: { declaration: UpstreamDeclaration } | undefined) =>
    one?.declaration.kind === 'key' ? undefined : one?.declaration.credential?.value.reveal();
  const recorded = async () =>
    (await two.one.audit.latest(50)).map(({ action, detail }) => [action, (detail as { name: string }).name]);

  it('one that was added is known to every process, with its secret, which lies nowhere in the open', async () => {
    const [here, there] = [room(), room(two.other)];
    await change((work) => here.add(work, acme));
    await there.refresh();
    expect(secretOf(there.find('acme'))).toBe(SECRET);
    expect(there.find('acme')?.connector?.kind).toBe('oidc');
    const rows = await two.one.upstreams.list();
    expect(JSON.stringify(rows)).not.toContain(SECRET);
    expect(rows[0]?.secret?.includes(Buffer.from(SECRET))).toBe(false);
    expect(await recorded()).toEqual([['upstream.added', 'acme']]);
    expect(JSON.stringify(await two.one.audit.latest(50))).not.toContain(SECRET);
  });

  it('what the configuration declares is taken over, changed and removed with it, and written only when it changes', async () => {
    const here = room();
    const key: UpstreamDeclaration = {
      name: 'weather',
      kind: 'key',
      label: 'Weather',
      hint: 'In your settings',
    };
    await change((work) => here.declare(work, [acme, key]));
    await here.refresh();
    expect(here.all().map(({ declaration }) => declaration.name)).toEqual(['acme', 'weather']);
    const before = here.find('acme')?.connector;
    const again = two.one.work();
    await here.declare(again, [acme, key]);
    expect(again.size).toBe(0);
    await here.refresh();
    expect(here.find('acme')?.connector).toBe(before);
    const newer = { ...acme, credential: { kind: 'secret' as const, value: secret('a-newer-secret-0002') } };
    await change((work) => here.declare(work, [newer]));
    await here.refresh();
    expect(secretOf(here.find('acme'))).toBe('a-newer-secret-0002');
    expect(here.find('acme')?.connector).not.toBe(before);
    expect(here.find('weather')).toBeUndefined();
  });

  it('what is declared is changed in the file only, and what is unknown cannot be removed', async () => {
    const here = room();
    await change((work) => here.declare(work, [acme]));
    const refused = (task: Promise<unknown>) => expect(task).rejects.toMatchObject({ name: 'Refusal' });
    await refused(change((work) => here.add(work, acme)));
    await refused(change((work) => here.remove(work, 'acme')));
    await refused(change((work) => here.remove(work, 'nobody')));
    await change((work) => here.declare(work, []));
    await change((work) => here.add(work, acme));
    await change((work) => here.remove(work, 'acme'));
    await here.refresh();
    expect(here.all()).toEqual([]);
  });

  // Whoever writes to the database without the key wants the secret sent to a token endpoint of theirs.
  it.each<[string, (row: Record<string, unknown>) => Record<string, unknown>]>([
    ['another issuer', (said) => ({ ...said, issuer: 'https://evil.example' })],
    ['another host for its endpoints', (said) => ({ ...said, endpointHosts: ['evil.example'] })],
    ['another client', (said) => ({ ...said, clientId: 'evil' })],
    ['another kind', (said) => ({ ...said, kind: 'okta' })],
  ])('a row that was given %s gets no secret, is not used, and harms no other', async (_what, evil) => {
    const here = room();
    await change(async (work) => {
      await here.add(work, acme);
      await here.add(work, { ...acme, name: 'other' });
    });
    const [row] = await two.one.upstreams.list();
    if (!row) expect.fail();
    const declaration = evil(row.declaration as Record<string, unknown>);
    await change((work) => work.add(two.one.upstreams.save({ ...row, declaration })));
    await here.refresh();
    expect(() => here.find('acme')).toThrow(Refusal);
    expect(here.list()[0]?.problem).toMatch(/given for another issuer, client or host/);
    expect(await here.test('acme', { declared: [], redirectUri: 'http://127.0.0.1:1/' })).toMatchObject([
      { ok: false },
    ]);
    expect(secretOf(here.find('other'))).toBe(SECRET);
  });

  it('a secret that was moved to another row, or changed by a bit, does not open', async () => {
    const here = room();
    await change(async (work) => {
      await here.add(work, acme);
      await here.add(work, { ...acme, name: 'other' });
    });
    const [first, second] = await two.one.upstreams.list();
    if (!first?.secret || !second?.secret) expect.fail();
    await change((work) => work.add(two.one.upstreams.save({ ...first, secret: second.secret })));
    await here.refresh();
    expect(here.list()[0]?.problem).toMatch(/does not open/);
    const bent = Buffer.from(first.secret);
    bent[bent.length - 1] = (bent.at(-1) ?? 0) ^ 1;
    await change((work) => work.add(two.one.upstreams.save({ ...first, secret: bent })));
    await here.refresh();
    expect(here.list()[0]?.problem).toMatch(/does not open/);
  });

  it('secrets are re-wrapped with the other sealed values, and need the former key no more', async () => {
    await change((work) => room().add(work, acme));
    const fresh = kek();
    const both: KeyRing = { current: fresh, previous: [ring.current] };
    const { keys: store, audit: audits, work } = two.one;
    const record = audit({ store: audits, clock: Date.now });
    const rotation = { every: 90 * 86_400, publishBefore: 86_400 };
    const done = await keys({ store, audit: record, clock: Date.now, ring: both, rotation, work }).rewrap();
    expect(done.rewrapped).toBe(1);
    expect(sealedWith((await two.one.upstreams.list())[0]?.secret ?? Buffer.alloc(0))).toBe(fresh.id);
    const after = room(two.other, { current: fresh, previous: [] });
    await after.refresh();
    expect(secretOf(after.find('acme'))).toBe(SECRET);
  });

  it('of an identity, issuer and subject are the key: the same subject elsewhere is another person', async () => {
    const { identities } = two.one;
    await run('DELETE FROM identities');
    const row = (issuer: string, accountId: string) => ({
      ...{ issuer, subject: '583231', accountId, upstream: 'acme', name: null, username: 'octo' },
      ...{ email: 'same@corp.example', domain: 'corp.example', groups: ['staff'], groupsIncomplete: false },
      ...{ groupsAt: 1, createdAt: 1, lastUsedAt: 1 },
    });
    await change((work) => work.add(identities.insert(row('https://a.example', 'account-a'))));
    await change((work) => work.add(identities.insert(row('https://b.example', 'account-b'))));
    expect((await identities.find('https://a.example', '583231'))?.accountId).toBe('account-a');
    expect((await identities.find('https://b.example', '583231'))?.accountId).toBe('account-b');
    expect(await identities.ofAccount('account-a')).toHaveLength(1);
    const taken = change((work) => work.add(identities.insert(row('https://a.example', 'account-c'))));
    await expect(taken).rejects.toThrow();
    const stolen = change((work) => work.add(identities.remove('https://a.example', '583231', 'account-b')));
    await expect(stolen).rejects.toThrow();
    expect((await identities.find('https://a.example', '583231'))?.accountId).toBe('account-a');
  });
});
