// Signing in with an upstream, and everybody who tries to make somebody else do it for them.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { later } from '../support/later.ts';
import type { View } from '../support/person.ts';
import { textOf } from '../support/person-form.ts';
import { stored } from '../support/stored.ts';
import { type House, upstreamHouse } from '../support/upstream-server.ts';

let house: House;
beforeAll(async () => {
  house = await upstreamHouse();
});
afterAll(() => house?.close());
beforeEach(() => {
  house.company.knobs.subject = 'person-1';
  house.company.asked();
  house.other.asked();
});

const BINDING = /^cardea_upstream_/;
const isView = (at: View | string): View => {
  if (typeof at === 'string') throw new Error(`left for ${at}`);
  return at;
};
const accounts = () => Array.fromAsync(house.server.rooms.accounts.list());
const tokenCalls = (): number => house.company.asked('/token').length + house.other.asked('/token').length;

describe('in an authorization', () => {
  it('a person signs in at the upstream, consents here, and the client gets a code', async () => {
    const by = house.stranger();
    const { view } = await house.ask(by);
    const consent = isView(await house.through(by, view));
    expect(textOf(consent.html)).toContain('Pat Doe');
    const callback = new URL((await by.press(consent, 'decision', 'allow')) as string);
    expect(callback.searchParams.get('code')).toBeTruthy();
  });

  it('nothing goes upstream before the button is pressed on a page that names client, server and way back', async () => {
    const by = house.stranger();
    const { view } = await house.ask(by);
    const said = textOf(view.html);
    for (const named of ['A client', 'Town Library', '127.0.0.1:3999', 'Continue with Acme']) {
      expect(said).toContain(named);
    }
    expect(said).toContain('cannot verify who made this app');
    expect(house.company.asked()).toEqual([]);
  });

  it('the cookie that a way back needs is not there before the button is pressed', async () => {
    const by = house.stranger();
    const { view } = await house.ask(by);
    expect(by.cookies.names().filter((name) => BINDING.test(name))).toEqual([]);
    await house.leave(by, view);
    expect(by.cookies.names().filter((name) => BINDING.test(name))).toHaveLength(1);
  });

  it('a form that another site sends goes nowhere', async () => {
    const by = house.stranger();
    const { view } = await house.ask(by);
    const cookie = by.cookies.header(view.url) ?? '';
    const csrf = /name="csrf" value="([^"]+)"/.exec(view.html)?.[1] ?? '';
    const press = (fields: Record<string, string>, headers: Record<string, string>) =>
      fetch(view.url, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie, ...headers },
        body: new URLSearchParams({ upstream: 'company', ...fields }),
      });
    const answers = [
      await press({ csrf }, { origin: 'https://evil.example' }),
      await press({ csrf }, { 'sec-fetch-site': 'cross-site' }),
      await press({}, { origin: house.issuer }),
      await press({ csrf: 'guess' }, { origin: house.issuer }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
  });

  it('login_hint goes on to the upstream, and who says “not you?” may choose another account there', async () => {
    const by = house.stranger();
    const { view } = await house.ask(by, { login_hint: 'pat@corp.example' });
    const away = await house.leave(by, view);
    expect(away.searchParams.get('login_hint')).toBe('pat@corp.example');
    expect(away.searchParams.get('prompt')).toBeNull();
    const consent = await by.open(house.callback('company', house.company.visit(away)));
    const again = isView(await by.press(consent, 'decision', 'switch'));
    expect((await house.leave(by, again)).searchParams.get('prompt')).toBe('select_account');
  });

  it('a client that wants the person to sign in anew has the upstream ask anew', async () => {
    const by = house.stranger();
    await house.signIn(by, 'person-1');
    const { view } = await house.ask(by, { prompt: 'login' });
    expect((await house.leave(by, view)).searchParams.get('prompt')).toBe('login');
  });

  it('another person at the same browser signs in as themselves', async () => {
    const by = house.stranger();
    await house.signIn(by, 'first at this browser');
    const { view } = await house.ask(by);
    const other = isView(await by.press(view, 'decision', 'switch'));
    house.company.knobs.subject = 'second at this browser';
    const consent = isView(await house.through(by, other));
    const callback = new URL((await by.press(consent, 'decision', 'allow')) as string);
    expect(callback.searchParams.get('code')).toBeTruthy();
    const [last] = await house.audit('grant.allowed');
    const row = await house.server.rooms.storage.identities.find(
      house.company.issuer,
      'second at this browser',
    );
    expect(last?.accountId).toBe(row?.accountId);
  });

  it('two windows that sign in at the same time each come back to their own app', async () => {
    const by = house.stranger();
    const [first, second] = [await house.ask(by, { state: 'one' }), await house.ask(by, { state: 'two' })];
    const [one, two] = [await house.leave(by, first.view), await house.leave(by, second.view)];
    for (const [away, state] of [
      [two, 'two'],
      [one, 'one'],
    ] as const) {
      const page = isView(await by.open(house.callback('company', house.company.visit(away))));
      const callback = new URL((await by.press(page, 'decision', 'allow')) as string);
      expect(callback.searchParams.get('state')).toBe(state);
    }
  });

  it('a browser that presses the button a hundred times does not carry a hundred cookies', async () => {
    const by = house.stranger();
    const { view } = await house.ask(by);
    let away = await house.leave(by, view);
    for (let n = 0; n < 12; n += 1) away = await house.leave(by, view);
    expect(by.cookies.names().filter((name) => BINDING.test(name)).length).toBeLessThanOrEqual(4);
    expect(isView(await by.open(house.callback('company', house.company.visit(away)))).status).toBe(200);
  });

  it('a person who says no upstream is back where the button was, and may go back to the app', async () => {
    const by = house.stranger();
    const { view } = await house.ask(by);
    const away = await house.leave(by, view);
    const query = new URLSearchParams({
      ...{ error: 'access_denied', error_description: '<script>alert(1)</script>' },
      ...{ state: away.searchParams.get('state') ?? '', iss: house.company.issuer },
    });
    const back = isView(await by.open(house.callback('company', query)));
    expect(textOf(back.html)).toContain('Acme did not sign you in');
    expect(back.html).not.toContain('alert(1)');
    const left = new URL((await by.press(back, 'cancel', '1')) as string);
    expect(left.searchParams.get('error')).toBe('access_denied');
  });
});

it('who signs in for a device that showed a code comes back to the code that they had', async () => {
  const by = house.stranger();
  const page = await by.visit(`${house.issuer}/device?code=BCDF-GHJK`);
  expect(page.url.pathname).toBe('/sign-in');
  const back = isView(await house.through(by, page));
  expect(back.url.pathname + back.url.search).toBe('/device?code=BCDF-GHJK');
  expect(back.html).toContain('value="BCDF-GHJK"');
});

describe('what is kept', () => {
  it('of the way there is nothing that opens anything: no state, nonce, verifier, code, cookie or token', async () => {
    const by = house.stranger();
    const secrets: string[] = [];
    house.company.knobs.tokens = (answer) => {
      secrets.push(...['access_token', 'refresh_token', 'id_token'].map((name) => String(answer[name])));
      return answer;
    };
    const { view } = await house.ask(by);
    const away = await house.leave(by, view);
    const back = house.company.visit(away);
    for (const name of by.cookies.names().filter((each) => BINDING.test(each))) {
      secrets.push(new RegExp(`${name}=([^;]+)`).exec(by.cookies.header(view.url) ?? '')?.[1] ?? '');
    }
    secrets.push(
      ...['state', 'nonce'].map((name) => away.searchParams.get(name) ?? ''),
      back.get('code') ?? '',
    );
    await by.open(house.callback('company', back));
    house.company.knobs.tokens = (answer) => answer;
    expect(secrets.every((secret) => secret.length > 20)).toBe(true);
    expect(secrets).toHaveLength(7);
    const rows = JSON.stringify(stored(house.server));
    for (const secret of secrets) expect(rows + house.server.log()).not.toContain(secret);
  });
});

describe('an answer that is not this browser’s', () => {
  it('H02: who finishes upstream what another browser began comes to nothing', async () => {
    const [attacker, victim] = [house.stranger(), house.stranger()];
    const { view } = await house.ask(attacker);
    const away = await house.leave(attacker, view);
    const before = await accounts();
    house.company.knobs.subject = 'the victim';
    const page = isView(await victim.open(house.callback('company', house.company.visit(away))));
    expect([page.status, tokenCalls()]).toEqual([400, 0]);
    expect(await accounts()).toEqual(before);
  });

  it('I02, I28: not with a session of their own, and not with a cookie of their own trip', async () => {
    const [attacker, victim] = [house.stranger(), house.stranger()];
    await house.signIn(victim, 'the victim');
    const theirs = await house.ask(victim);
    await victim.press(theirs.view, 'decision', 'switch').then((page) => house.leave(victim, page));
    house.company.asked();
    const { view } = await house.ask(attacker);
    house.company.knobs.subject = 'the attacker';
    const query = house.company.visit(await house.leave(attacker, view));
    expect(isView(await victim.open(house.callback('company', query))).status).toBe(400);
    expect(tokenCalls()).toBe(0);
    expect(textOf((await victim.visit(`${house.issuer}/connections`)).html)).toContain('Pat Doe');
    // and the attacker's own browser can still go on: nobody was able to use it up
    expect(isView(await attacker.open(house.callback('company', query))).status).toBe(200);
  });

  it('I04: of many callbacks with one state, one asks the upstream', async () => {
    const by = house.stranger();
    const { view } = await house.ask(by);
    const address = house.callback('company', house.company.visit(await house.leave(by, view)));
    const cookie = by.cookies.header(new URL(address)) ?? '';
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => fetch(address, { redirect: 'manual', headers: { cookie } })),
    );
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(11);
    expect(tokenCalls()).toBe(1);
  });

  it('I01: a callback that comes again, or after ten minutes, is refused', async () => {
    const by = house.stranger();
    const { view } = await house.ask(by);
    const query = house.company.visit(await house.leave(by, view));
    expect(isView(await by.open(house.callback('company', query))).status).toBe(200);
    expect(isView(await by.open(house.callback('company', query))).status).toBe(400);
    const late = await house.ask(by);
    const switched = await by.press(late.view, 'decision', 'switch');
    const slow = house.company.visit(await house.leave(by, switched));
    house.company.asked();
    later(601_000);
    expect(isView(await by.open(house.callback('company', slow))).status).toBe(400);
    expect(tokenCalls()).toBe(0);
  });

  it('I06, I07: an answer at another upstream’s address ends there, and no code goes to either', async () => {
    const by = house.stranger();
    const { view } = await house.ask(by);
    const query = house.company.visit(await house.leave(by, view));
    expect(isView(await by.open(house.callback('other', query))).status).toBe(400);
    expect(isView(await by.open(house.callback('company', query))).status).toBe(400);
    expect(tokenCalls()).toBe(0);
  });

  it('I28: a code that was put into another callback signs nobody in, and is told to nobody else', async () => {
    const by = house.stranger();
    const victim = house.stranger();
    const [{ view: own }, { view: theirs }] = [await house.ask(by), await house.ask(victim)];
    const [mine, other] = [await house.leave(by, own), await house.leave(victim, theirs)];
    house.company.knobs.subject = 'swap thief';
    const stolen = house.company.visit(mine);
    house.company.knobs.subject = 'swap victim';
    const honest = house.company.visit(other);
    // the thief's code in the victim's callback, and the other way round
    const swap = (into: URLSearchParams, from: URLSearchParams) =>
      new URLSearchParams({ ...Object.fromEntries(into), code: from.get('code') ?? '' });
    for (const [browser, query] of [
      [victim, swap(honest, stolen)],
      [by, swap(stolen, honest)],
    ] as const) {
      const page = isView(await browser.open(house.callback('company', query)));
      expect([page.status, textOf(page.html)]).toEqual([
        400,
        expect.stringContaining('did not accept the sign-in code'),
      ]);
      expect(isView(await browser.visit(`${house.issuer}/connections`)).url.pathname).toBe('/sign-in');
    }
    const { identities } = house.server.rooms.storage;
    for (const subject of ['swap thief', 'swap victim'])
      expect(await identities.find(house.company.issuer, subject)).toBeUndefined();
  });

  it('every upstream has a redirect URI of its own', async () => {
    const by = house.stranger();
    const { view } = await house.ask(by);
    const [one, two] = [await house.leave(by, view), await house.leave(by, view, 'other')];
    expect(one.searchParams.get('redirect_uri')).toBe(`${house.issuer}/upstream/company/callback`);
    expect(two.searchParams.get('redirect_uri')).toBe(`${house.issuer}/upstream/other/callback`);
  });

  it.each([
    ['no state', (q: URLSearchParams) => q.delete('state')],
    ['an empty state', (q: URLSearchParams) => q.set('state', '')],
    ['a guessed state', (q: URLSearchParams) => q.set('state', 'A'.repeat(43))],
    ['the state twice', (q: URLSearchParams) => q.append('state', q.get('state') ?? '')],
    ['the code twice', (q: URLSearchParams) => q.append('code', 'another')],
    ['no code', (q: URLSearchParams) => q.delete('code')],
    ['an empty code', (q: URLSearchParams) => q.set('code', '')],
    ['a code and an error', (q: URLSearchParams) => q.set('error', 'access_denied')],
    [
      'code[]',
      (q: URLSearchParams) => {
        q.set('code[]', q.get('code') ?? '');
        q.delete('code');
      },
    ],
  ])('I05: %s is refused before the upstream is asked', async (_name, change) => {
    const by = house.stranger();
    const { view } = await house.ask(by);
    const query = house.company.visit(await house.leave(by, view));
    change(query);
    expect(isView(await by.open(house.callback('company', query))).status).toBe(400);
    expect(tokenCalls()).toBe(0);
  });

  it('HEAD, as something that looks ahead may send it, uses nothing up', async () => {
    const by = house.stranger();
    const { view } = await house.ask(by);
    const address = house.callback('company', house.company.visit(await house.leave(by, view)));
    const cookie = by.cookies.header(new URL(address)) ?? '';
    expect((await fetch(address, { method: 'HEAD', headers: { cookie } })).status).toBe(400);
    expect(isView(await by.open(address)).status).toBe(200);
  });

  it('there is no callback of an upstream that there is not', async () => {
    expect(isView(await house.stranger().open(house.callback('nobody', 'state=a&code=b'))).status).toBe(400);
  });
});

describe('handing the sign-in over', () => {
  /** As far as the redirect from the callback to the interaction. */
  async function arrived(by: ReturnType<House['stranger']>) {
    const { view } = await house.ask(by);
    const address = house.callback('company', house.company.visit(await house.leave(by, view)));
    const cookie = by.cookies.header(new URL(address)) ?? '';
    const response = await fetch(address, { redirect: 'manual', headers: { cookie } });
    return { view, to: new URL(response.headers.get('location') ?? '', house.issuer) };
  }

  it('H03: the address of it is worth nothing in another browser', async () => {
    const [by, other] = [house.stranger(), house.stranger()];
    const { to } = await arrived(by);
    const theirs = await house.ask(other);
    expect(isView(await other.open(to)).status).toBe(400);
    const mixed = `${theirs.view.url.href}/upstream${to.search}`;
    expect(isView(await other.open(mixed)).status).toBe(400);
    expect(isView(await by.open(to)).status).toBe(200);
  });

  it('H04: a sign-in for one app does not sign in to another of the same browser', async () => {
    const by = house.stranger();
    const { to } = await arrived(by);
    const another = await house.ask(by);
    expect(isView(await by.open(`${another.view.url.href}/upstream${to.search}`)).status).toBe(403);
  });

  it('happens once', async () => {
    const by = house.stranger();
    const { to } = await arrived(by);
    const cookie = by.cookies.header(to) ?? '';
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => fetch(to, { redirect: 'manual', headers: { cookie } })),
    );
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
  });

  it('H11: is not skipped into: without a sign-in there is nothing to hand over', async () => {
    const by = house.stranger();
    const { view } = await house.ask(by);
    const away = await house.leave(by, view);
    const { tripId } = await import('../../src/domain/upstream/transactions.ts');
    const id = tripId(away.searchParams.get('state') ?? '');
    expect(isView(await by.open(`${view.url.href}/upstream?trip=${id}`)).status).toBe(400);
    for (const trip of ['', 'x', '%00', `${id}&trip=${id}`]) {
      expect(isView(await by.open(`${view.url.href}/upstream?trip=${trip}`)).status).toBe(400);
    }
  });
});

it('I27: after signing in one comes to a place of ours, whatever was asked for', async () => {
  for (const to of ['//evil.example', 'https:evil.example', '/\\evil', 'javascript:alert(1)', '%0d%0aX: y']) {
    const by = house.stranger();
    const view = await by.visit(`${house.issuer}/sign-in?to=${encodeURIComponent(to)}`);
    expect(isView(await house.through(by, view)).url.href).toBe(`${house.issuer}/connections`);
  }
});

it('K01: signing in upstream makes a new session id', async () => {
  const by = house.stranger();
  await house.signIn(by, 'person-1');
  const idOf = () => /cardea_session=([^;]+)/.exec(by.cookies.header(new URL(house.issuer)) ?? '')?.[1];
  const before = idOf();
  const view = await by.visit(`${house.issuer}/sign-in?again=1`);
  await house.through(by, view);
  expect(idOf()).not.toBe(before);
});

it('I23: an upstream that is down is a page, and everybody else goes on', async () => {
  const by = house.stranger();
  const { view } = await house.ask(by);
  const query = house.company.visit(await house.leave(by, view));
  house.company.set('/token', { is: 'status', status: 503 }, 1);
  const page = isView(await by.open(house.callback('company', query)));
  expect(page.status).toBe(503);
  expect(isView(await house.through(by, view)).status).toBe(200);
});
