// Somebody leaves a group, and does not sign in again for months: their upstream is asked, where the vault may ask.
// THREATS I17.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { GROUPS_HOLD } from '../../src/domain/vault/memberships.ts';
import { CALLBACK, claimsOf, durably, search } from '../support/flow.ts';
import { later } from '../support/later.ts';
import type { View } from '../support/person.ts';
import { RESOURCE } from '../support/server.ts';
import { type House, upstreamHouse } from '../support/upstream-server.ts';

let house: House;
/** Whose connections are ended after each test, so that nobody is asked about them in the next. */
const accounts: string[] = [];
beforeAll(async () => {
  const here = { resource: RESOURCE, upstream: 'company' };
  house = await upstreamHouse({
    company: { vault: { scopes: ['openid'] } },
    config: {
      policy: {
        ceilings: [
          { ...here, groups: ['librarians'] },
          { ...here, groups: ['staff'], tools: ['search_books'] },
        ],
      },
    },
  });
});
afterAll(() => house?.close());
beforeEach(() => {
  house.company.knobs.subject = `person ${Date.now()}`;
});
afterEach(async () => {
  vi.useRealTimers();
  house.company.honest();
  const { vault } = house.server.rooms;
  for (const accountId of accounts.splice(0))
    for (const { id } of await vault.list(accountId))
      await durably(house.server, (work) => vault.end(work, accountId, id, 'x'));
});

const says = (groups: string[] | undefined): void => {
  const { knobs } = house.company;
  knobs.idToken = (claims) => ({ ...claims, groups });
  knobs.userinfo = (claims) => ({ ...claims, groups });
};
const renew = (): Promise<void> => house.server.rooms.memberships.renew();
const asked = (): number => house.company.asked('/userinfo').length;

/** A librarian with a token; `kept`: the vault holds a connection of theirs. */
async function librarian({ kept = true } = {}) {
  says(['librarians', 'staff']);
  const by = house.stranger();
  const { client, verifier, view } = await house.ask(by);
  const consent = (await house.through(by, view)) as View;
  const code =
    new URL((await by.press(consent, 'decision', 'allow')) as string).searchParams.get('code') ?? '';
  const { client_id } = client;
  const token = (fields: Record<string, string>) =>
    house.server.post('/token', search({ client_id, ...fields }));
  const first = await token({
    ...{ grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: verifier },
  });
  let refreshToken = first.body.refresh_token as string;
  const refresh = async () => {
    const answer = await token({ grant_type: 'refresh_token', refresh_token: refreshToken });
    refreshToken = (answer.body.refresh_token as string | undefined) ?? refreshToken;
    return answer;
  };
  const subject = house.company.knobs.subject;
  const { identities } = house.server.rooms.storage;
  const { accountId } = (await identities.find(house.company.issuer, subject)) ?? expect.fail();
  accounts.push(accountId);
  if (kept)
    await durably(house.server, (work) =>
      house.server.rooms.vault.connect(work, {
        accountId,
        upstream: 'company',
        person: { issuer: house.company.issuer, subject, groups: [] },
        tokens: { accessToken: 'at', expiresAt: null, scopes: ['openid'], tokenType: 'Bearer' },
      }),
    );
  house.company.asked();
  return { refresh, subject, row: () => identities.find(house.company.issuer, subject) };
}

describe('who has left a group', () => {
  it('is asked for by one of many, and gets less at the next refresh, without having signed in again', async () => {
    const { refresh } = await librarian();
    says(['staff']);
    await renew();
    expect(asked()).toBe(0); // what was said just now holds
    later(GROUPS_HOLD + 1);
    await Promise.all([renew(), renew(), renew()]);
    expect(asked()).toBe(1);
    const { body } = await refresh();
    expect(claimsOf(body.access_token as string)['tools']).toEqual({ 'library:read': ['search_books'] });
    const [row] = await house.audit('identity.groups_changed');
    expect(row).toMatchObject({ detail: { upstream: 'company', left: ['librarians'], joined: [] } });
    // and with none left, nothing: what was allowed stands until they are back
    says([]);
    later(GROUPS_HOLD + 1);
    await renew();
    expect((await refresh()).body.error).toBe('invalid_grant');
    says(['librarians']);
    later(GROUPS_HOLD + 1);
    await renew();
    expect((await refresh()).status).toBe(200);
  });

  it('is not asked for where nothing is kept of them', async () => {
    await librarian({ kept: false });
    says(['staff']);
    later(GROUPS_HOLD + 1);
    await renew();
    expect(asked()).toBe(0);
  });
});

describe('an upstream that', () => {
  it('does not say, or does not answer, has not said none, and is not asked at every turn', async () => {
    const { row } = await librarian();
    for (const silent of [() => says(undefined), () => house.company.set('/userinfo', { is: 'hang up' })]) {
      silent();
      later(GROUPS_HOLD + 1);
      await renew();
      await renew();
      expect(asked()).toBe(1);
      expect((await row())?.groups).toEqual(['librarians', 'staff']);
    }
  });

  it('is slow does not undo what a sign-in said meanwhile', async () => {
    const { row } = await librarian();
    const { identities } = house.server.rooms.storage;
    const before = (await row()) ?? expect.fail();
    const lost: string[] = [];
    const commit = (write: ReturnType<typeof identities.asked>) =>
      durably(house.server, (work) =>
        work.add({
          ...write,
          lost: async () => {
            lost.push('lost');
            return 'go on';
          },
        }),
      );
    await commit(identities.asked(before, before.groupsAt + 1));
    await commit(identities.seen({ ...before, groups: ['staff'], groupsAt: before.groupsAt + 2 }));
    await commit(identities.regroup({ ...before, groups: [] }, before.groupsAt + 1));
    await commit(identities.asked(before, before.groupsAt + 3));
    expect(lost).toEqual(['lost', 'lost']);
    expect((await row())?.groups).toEqual(['staff']);
  });
});
