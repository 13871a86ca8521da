// Local accounts: what a name is, what a password is, and that neither says anything about the other. THREATS K11, K12.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { durably } from '../support/flow.ts';
import { type Server, startServer } from '../support/server.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const add = (username: string, password: string) =>
  durably(server, (work) => server.rooms.accounts.add(work, { username, password }));
const enters = async (username: string, password: string): Promise<boolean> =>
  (await server.rooms.accounts.authenticate(username, password)) !== undefined;

describe('a password', () => {
  it('is the same however its letters are put together, and no other', async () => {
    await add('composed', 'caf\u00e9 au lait, please');
    expect(await enters('composed', 'cafe\u0301 au lait, please')).toBe(true);
    expect(await enters('composed', 'cafe au lait, please')).toBe(false);
    expect(await enters('composed', 'CAF\u00c9 AU LAIT, PLEASE')).toBe(false);
    expect(await enters('composed', ' caf\u00e9 au lait, please')).toBe(false);
  });

  it('counts to its last letter, also behind one that ends a string elsewhere', async () => {
    await add('whole', 'ten letters\u0000and more');
    expect(await enters('whole', 'ten letters\u0000and more')).toBe(true);
    expect(await enters('whole', 'ten letters')).toBe(false);
    expect(await enters('whole', 'ten letters\u0000and less')).toBe(false);
    const long = 'x'.repeat(1023);
    await add('long', `${long}a`);
    expect(await enters('long', `${long}b`)).toBe(false);
    expect(await enters('long', `${long}a`)).toBe(true);
  });

  it.each([9, 1025, 100_000])('of %d characters is refused, and tried in vain', async (length) => {
    await expect(add(`of-${length}`, 'y'.repeat(length))).rejects.toMatchObject({
      reason: 'password_length',
    });
    expect(await enters('alex', 'y'.repeat(length))).toBe(false);
  });

  it('is kept with the cost that OWASP asks for', async () => {
    const row = await server.rooms.storage.accounts.find(server.account.id);
    expect(row?.password).toMatch(/^\$argon2id\$v=19\$m=19456,(t=2,p=1|p=1,t=2)\$/);
  });

  it('opens no account that has none', async () => {
    const row = { id: 'without', username: 'without', name: 'without', password: null };
    const work = server.rooms.work();
    work.add(
      server.rooms.storage.accounts.insert({ ...row, administrator: false, createdAt: 1, disabledAt: null }),
    );
    await work.commit();
    for (const tried of ['', 'null', 'nobody has this password']) {
      expect(await enters('without', tried)).toBe(false);
      expect(await enters('nobody-at-all', tried)).toBe(false);
    }
  });
});

describe('a name', () => {
  it.each(['ALEX', ' alex ', '\uff41lex', 'Alex'])('written as %j is the same person’s', async (username) => {
    expect(await enters(username, server.password)).toBe(true);
    await expect(add(username, 'another long password')).rejects.toMatchObject({ reason: 'username_taken' });
  });

  it.each(['', '  ', 'a b', 'a\u0000b', 'a\u202eb', 'x'.repeat(65)])('%j is none', async (username) => {
    await expect(add(username, 'another long password')).rejects.toMatchObject({ reason: 'username_form' });
  });
});

it('more passwords at once than are worked on are all answered, each with its own answer', async () => {
  const tries = Array.from({ length: 15 }, (_, at) =>
    at % 3 === 0 ? server.password : `wrong ${at}, wrong`,
  );
  const entered = await Promise.all(tries.map((tried) => enters('alex', tried)));
  expect(entered).toEqual(tries.map((tried) => tried === server.password));
});
