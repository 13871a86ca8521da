import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { person } from '../support/person.ts';
import { form, formAt, type House, openHouse } from './house.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());

describe('the first administrator', () => {
  const fields = { username: 'root', password: 'a long password', repeat: 'a long password' };
  const at = (): string => new URL(house.setupLink).pathname;

  test('is made by the link, once', async () => {
    const { csrf, cookie } = await formAt(house, at());
    const unlike = await house.ask(at(), form({ ...fields, repeat: 'another password', csrf }, { cookie }));
    expect([unlike.status, (await unlike.text()).includes('not the same')]).toEqual([422, true]);
    const short = await house.ask(at(), form({ ...fields, password: 'x', repeat: 'x', csrf }, { cookie }));
    expect([short.status, (await short.text()).includes('A password has between')]).toEqual([422, true]);
    const taken = await house.ask(at(), form({ ...fields, username: 'Alex', csrf }, { cookie }));
    expect([taken.status, (await taken.text()).includes('already an account')]).toEqual([422, true]);

    const both = await Promise.all(
      ['root', 'second'].map((username) => house.ask(at(), form({ ...fields, username, csrf }, { cookie }))),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([303, 410]);
    const administrators = (await Array.fromAsync(house.rooms.accounts.list())).filter(
      (each) => each.administrator,
    );
    expect(administrators).toHaveLength(1);
    expect((await house.ask(at())).status).toBe(410);
  });

  test('is not made by a link that was guessed', async () => {
    expect((await house.ask('/setup/guess')).status).toBe(410);
  });
});

describe('a signed-in person', () => {
  test('gets a new session id, sees their connections, and is out after signing out', async () => {
    const alex = person(house.alex);
    const view = await alex.signIn(house.issuer);
    expect(view.url.pathname).toBe('/connections');
    expect(view.html).toContain('No app is connected');
    const confirm = await alex.visit(`${house.issuer}/sign-out`);
    expect((await alex.visit(`${house.issuer}/connections`)).url.pathname).toBe('/connections');
    const out = await alex.send(confirm, ({ action }) => action.endsWith('/sign-out'));
    expect(out.html).toContain('You are signed out');
    expect((await alex.visit(`${house.issuer}/connections`)).url.pathname).toBe('/sign-in');
  });

  test('cannot end what is not theirs, and a page of another session cannot act for them', async () => {
    const alex = person(house.alex);
    await alex.signIn(house.issuer);
    const cookie = alex.cookies.header(new URL(house.issuer)) ?? '';
    const page = await (await house.ask('/sign-out', { headers: { cookie } })).text();
    const csrf = /name="csrf" value="([^"]*)"/.exec(page)?.[1] ?? '';
    const end = (fields: Record<string, string>) => house.ask('/connections/end', form(fields, { cookie }));
    expect((await end({ csrf, grant: 'of somebody else' })).status).toBe(404);
    const stranger = await formAt(house, '/sign-in');
    expect((await end({ csrf: stranger.csrf, grant: 'any' })).status).toBe(403);
  });

  test('who is disabled is signed out everywhere at once', async () => {
    const alex = person(house.alex);
    await alex.signIn(house.issuer);
    const disable = async (disabled: boolean): Promise<void> => {
      const work = house.rooms.work();
      await house.rooms.accounts.setDisabled(work, 'alex', disabled);
      await work.commit();
    };
    await disable(true);
    expect((await alex.visit(`${house.issuer}/connections`)).url.pathname).toBe('/sign-in');
    await disable(false);
  });
});
