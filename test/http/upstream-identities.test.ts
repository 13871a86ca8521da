// Who an account is: (issuer, subject) and nothing else. Ways in are added and removed by their owner alone.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { durably } from '../support/flow.ts';
import { later } from '../support/later.ts';
import type { Person, View } from '../support/person.ts';
import { textOf } from '../support/person-form.ts';
import { type House, upstreamHouse } from '../support/upstream-server.ts';

let house: House;
beforeAll(async () => {
  house = await upstreamHouse();
});
afterAll(() => house?.close());

const view = (at: View | string): View => {
  if (typeof at === 'string') throw new Error(`left for ${at}`);
  return at;
};
const connections = (by: Person): Promise<View> => by.visit(`${house.issuer}/connections`);
const owner = async (issuer: string, subject: string): Promise<string | undefined> =>
  (await house.server.rooms.storage.identities.find(issuer, subject))?.accountId;
/** Presses "Add …", signs in there as `subject`, and comes back. */
async function add(by: Person, name: 'company' | 'other', subject: string): Promise<View> {
  const away = new URL((await by.press(await connections(by), 'upstream', name)) as string);
  house[name].knobs.subject = subject;
  return view(await by.open(house.callback(name, house[name].visit(away))));
}
/** Presses "Remove" of the way in that stands first. */
async function remove(by: Person): Promise<View> {
  return by.send(await connections(by), ({ action }) => action.endsWith('/ways-in/remove'));
}

describe('I14: an account is an issuer and a subject', () => {
  it('the same subject of two issuers is two accounts', async () => {
    await house.signIn(house.stranger(), 'same-subject');
    await house.signIn(house.stranger(), 'same-subject', 'other');
    const both = [
      await owner(house.company.issuer, 'same-subject'),
      await owner(house.other.issuer, 'same-subject'),
    ];
    expect(new Set(both).size).toBe(2);
  });

  it('another name, user name and address are still the same account', async () => {
    const { knobs, issuer } = house.company;
    await house.signIn(house.stranger(), 'renamed');
    const before = await owner(issuer, 'renamed');
    knobs.idToken = (claims) => ({ ...claims, name: 'New Name', email: 'new@corp.example' });
    await house.signIn(house.stranger(), 'renamed');
    knobs.idToken = (claims) => claims;
    expect(await owner(issuer, 'renamed')).toBe(before);
  });

  it.each([
    ['verified', { email_verified: true }],
    ['unverified', { email_verified: false }],
    ['not said to be verified', { email_verified: undefined }],
    ['verified in so many words', { email_verified: 'true' }],
    ['in full-width letters', { email: 'pat＠corp.example', email_verified: true }],
    ['in capitals', { email: 'PAT@CORP.EXAMPLE', email_verified: true }],
    ['with a tag', { email: 'pat+tag@corp.example', email_verified: true }],
  ])('I15: an address that somebody else has, %s, opens nothing of theirs', async (_name, claims) => {
    await house.signIn(house.stranger(), 'the-victim');
    const { knobs, issuer } = house.other;
    knobs.idToken = (before) => ({ ...before, email: 'pat@corp.example', ...claims });
    const subject = `attacker-${_name}`;
    const page = await house.signIn(house.stranger(), subject, 'other');
    knobs.idToken = (before) => before;
    const mine = await owner(issuer, subject);
    // either a new account or, where the upstream talks nonsense, none
    expect(page.status === 200 ? mine : page.status).toBeTruthy();
    expect(mine).not.toBe(await owner(house.company.issuer, 'the-victim'));
  });

  it('who first signs in gets an account without a password, under a name that is nobody’s here', async () => {
    house.company.knobs.idToken = (claims) => ({ ...claims, preferred_username: 'alex' });
    await house.signIn(house.stranger(), 'an-alex');
    house.company.knobs.idToken = (claims) => claims;
    const id = (await owner(house.company.issuer, 'an-alex')) ?? '';
    const account = await house.server.rooms.accounts.find(id);
    expect(account).toMatchObject({ username: 'alex@company', hasPassword: false, administrator: false });
    expect(await house.server.rooms.accounts.authenticate('alex@company', '')).toBeUndefined();
  });

  it('of two first sign-ins at the same moment both come in, to one account', async () => {
    house.company.knobs.subject = 'twice-at-once';
    const before = (await Array.fromAsync(house.server.rooms.accounts.list())).length;
    const both = await Promise.all(
      [house.stranger(), house.stranger()].map(async (by) =>
        view(await house.through(by, await by.visit(`${house.issuer}/sign-in`))),
      ),
    );
    expect(both.map(({ url }) => url.pathname)).toEqual(['/connections', '/connections']);
    expect((await Array.fromAsync(house.server.rooms.accounts.list())).length).toBe(before + 1);
  });

  it('two people of the same name get two accounts', async () => {
    house.company.knobs.idToken = (claims) => ({ ...claims, preferred_username: 'lee' });
    for (const subject of ['lee-1', 'lee-2', 'lee-3']) await house.signIn(house.stranger(), subject);
    house.company.knobs.idToken = (claims) => claims;
    const names = (await Array.fromAsync(house.server.rooms.accounts.list())).map(({ username }) => username);
    expect(names.filter((name) => /^lee(-[\w-]+)?@company$/.test(name))).toHaveLength(3);
  });

  it('a name that a database does not take is no fault', async () => {
    house.company.knobs.idToken = (claims) => ({
      ...claims,
      name: 'A\u0000B \ud800',
      preferred_username: '\u0000 \u202e',
    });
    const page = await house.signIn(house.stranger(), 'odd-name');
    house.company.knobs.idToken = (claims) => claims;
    expect(page.status).toBe(200);
  });
});

describe('adding a way in', () => {
  it('a second one opens the same account', async () => {
    const by = house.stranger();
    await house.signIn(by, 'with-two');
    expect(textOf((await add(by, 'other', 'with-two-elsewhere')).html)).toContain(
      'You can sign in with Other Corp',
    );
    expect(await owner(house.other.issuer, 'with-two-elsewhere')).toBe(
      await owner(house.company.issuer, 'with-two'),
    );
  });

  it('one that is another account’s stays theirs, and says so', async () => {
    const [by, somebody] = [house.stranger(), house.stranger()];
    await house.signIn(somebody, 'owned', 'other');
    await house.signIn(by, 'wants-it');
    const page = await add(by, 'other', 'owned');
    expect([page.status, textOf(page.html)]).toEqual([
      409,
      expect.stringContaining('already belongs to another account'),
    ]);
    expect(await owner(house.other.issuer, 'owned')).not.toBe(await owner(house.company.issuer, 'wants-it'));
    expect((await house.audit('identity.link_refused'))[0]?.reason).toBe('identity_taken');
  });

  it('I18: nobody is made to add a stranger’s: neither without having set out, nor in another session', async () => {
    const [victim, attacker] = [house.stranger(), house.stranger()];
    await house.signIn(victim, 'i18-victim');
    await house.signIn(attacker, 'i18-attacker');
    const away = new URL((await attacker.press(await connections(attacker), 'upstream', 'other')) as string);
    house.other.knobs.subject = 'i18-identity';
    const query = house.other.visit(away);
    expect(view(await victim.open(house.callback('other', query))).status).toBe(400);
    // the same browser, where somebody else has signed in meanwhile
    const page = await attacker.visit(`${house.issuer}/sign-in?again=1`);
    house.company.knobs.subject = 'i18-somebody-else';
    await house.through(attacker, page);
    expect(view(await attacker.open(house.callback('other', query))).status).toBe(403);
    expect(await owner(house.other.issuer, 'i18-identity')).toBeUndefined();
  });

  it('what was begun in one session is not ended in the next, though it be the same person’s', async () => {
    const by = house.stranger();
    await house.signIn(by, 'next-session');
    const away = new URL((await by.press(await connections(by), 'upstream', 'other')) as string);
    house.other.knobs.subject = 'next-session-elsewhere';
    const query = house.other.visit(away);
    house.company.knobs.subject = 'next-session';
    await house.through(by, await by.visit(`${house.issuer}/sign-in?again=1`));
    expect(view(await by.open(house.callback('other', query))).status).toBe(403);
    expect(await owner(house.other.issuer, 'next-session-elsewhere')).toBeUndefined();
  });

  it('K17: only shortly after having shown who one is', async () => {
    const by = house.stranger();
    await house.signIn(by, 'long-ago');
    await add(by, 'other', 'long-ago-elsewhere');
    const page = await connections(by);
    later(2 * 3_600_000);
    const asked = view(await by.press(page, 'upstream', 'other'));
    expect([asked.url.pathname, textOf(asked.html)]).toEqual([
      '/sign-in',
      expect.stringContaining('show once more that it is you'),
    ]);
    expect((await house.leave(by, asked)).searchParams.get('prompt')).toBe('login');
    expect((await remove(by)).url.pathname).toBe('/sign-in');
  });

  it('a person with a password adds an upstream, and may sign in with either', async () => {
    const by = house.server.alex();
    await by.signIn(house.issuer);
    await add(by, 'company', 'alex-at-work');
    expect(await owner(house.company.issuer, 'alex-at-work')).toBe(house.server.account.id);
    const elsewhere = await house.signIn(house.stranger(), 'alex-at-work');
    expect(textOf(elsewhere.html)).toContain('alex');
    expect((await remove(by)).status).toBe(200);
    expect(await owner(house.company.issuer, 'alex-at-work')).toBeUndefined();
  });
});

describe('I19: removing a way in', () => {
  it('the last one stays', async () => {
    const by = house.stranger();
    await house.signIn(by, 'only-one');
    const page = await connections(by);
    expect(page.html).not.toContain('/ways-in/remove');
    const [only] = await house.server.rooms.identities.ofAccount(
      (await owner(house.company.issuer, 'only-one')) ?? '',
    );
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
    const response = await fetch(`${house.issuer}/connections/ways-in/remove`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: by.cookies.header(page.url) ?? '', origin: house.issuer },
      body: new URLSearchParams({ csrf, way: only?.id ?? '' }),
    });
    expect(response.status).toBe(409);
  });

  it('of two that are removed at the same moment, one stays', async () => {
    const by = house.stranger();
    await house.signIn(by, 'both-at-once');
    await add(by, 'other', 'both-at-once-elsewhere');
    const id = (await owner(house.company.issuer, 'both-at-once')) ?? '';
    const { rooms } = house.server;
    const upstreams = rooms.upstreams
      .all()
      .flatMap(({ declaration }) => (declaration.kind === 'key' ? [] : [declaration]));
    const ways = await rooms.identities.ofAccount(id);
    const works = await Promise.all(
      ways.map(async (way) => {
        const work = rooms.work();
        await rooms.identities.unlink(work, id, way.id, { upstreams, passwords: true });
        return work;
      }),
    );
    const answers = await Promise.allSettled(works.map((work) => work.commit()));
    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await rooms.identities.ofAccount(id)).toHaveLength(1);
  });

  it('K15: somebody else’s is not there to be removed', async () => {
    const [by, somebody] = [house.stranger(), house.stranger()];
    await house.signIn(by, 'k15-me');
    await add(by, 'other', 'k15-me-elsewhere');
    await house.signIn(somebody, 'k15-them');
    const [theirs] = await house.server.rooms.identities.ofAccount(
      (await owner(house.company.issuer, 'k15-them')) ?? '',
    );
    const page = await by.send(await connections(by), ({ action }) => action.endsWith('/ways-in/remove'), {
      way: theirs?.id ?? '',
    });
    expect(page.status).toBe(404);
    expect(await owner(house.company.issuer, 'k15-them')).toBeTruthy();
  });
});

describe('K13: a disabled account', () => {
  it('does not come in by an upstream, and adds no way in', async () => {
    const by = house.stranger();
    await house.signIn(by, 'disabled');
    const account = await house.server.rooms.accounts.find(
      (await owner(house.company.issuer, 'disabled')) ?? '',
    );
    const away = new URL((await by.press(await connections(by), 'upstream', 'other')) as string);
    house.other.knobs.subject = 'disabled-elsewhere';
    const { ask, through } = house;
    const waiting = house.stranger();
    const { view: page } = await ask(waiting);
    await durably(house.server, (work) =>
      house.server.rooms.accounts.setDisabled(work, account?.username ?? '', true),
    );
    expect(view(await by.open(house.callback('other', house.other.visit(away)))).status).toBe(403);
    house.company.knobs.subject = 'disabled';
    const refused = view(await through(waiting, page));
    expect([refused.status, textOf(refused.html)]).toEqual([
      403,
      expect.stringContaining('has been disabled'),
    ]);
    expect(await owner(house.other.issuer, 'disabled-elsewhere')).toBeUndefined();
    expect((await house.audit('account.sign_in_refused'))[0]).toMatchObject({
      reason: 'account_disabled',
      accountId: account?.id,
    });
  });
});
