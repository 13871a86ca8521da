// Passwords are slow on purpose, and a flood of wrong ones must not take the time of everybody else. THREATS K14, P29.

import { stat } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect, introspect } from '../support/flow.ts';
import { type Server, startServer } from '../support/server.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

it('while forty passwords wait to be looked at, tokens are refreshed, and files and names are found', async () => {
  const { tokens, refresh } = await connect(server);
  let looked = 0;
  const flood = Array.from({ length: 40 }, async (_, n) => {
    const name = n % 2 === 0 ? 'alex' : `nobody-${n}`;
    const found = await server.rooms.accounts.authenticate(name, 'a wrong password');
    looked += 1;
    return found;
  });
  const { status, body } = await refresh(tokens.refresh_token);
  expect(status).toBe(200);
  expect((await introspect(server, body.access_token)).active).toBe(true);
  // the few threads that hash are those that read files
  await stat('.');
  expect(looked).toBeLessThan(20);
  expect(new Set(await Promise.all(flood))).toEqual(new Set([undefined]));
  // and the right one is looked at as ever
  const right = await server.rooms.accounts.authenticate('alex', server.password);
  expect(right).toMatchObject({ id: server.account.id });
});
