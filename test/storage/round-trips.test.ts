// What a request costs on PostgreSQL in messages to it: one question at most, and one commit where something is written.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgresServer, type TestDatabase } from '../support/databases.ts';
import { authorize, connect, introspect, type Params, register } from '../support/flow.ts';
import { messages } from '../support/messages.ts';
import { OTHER_RESOURCE, OTHER_SERVER, type Server, startServer } from '../support/server.ts';

let database: TestDatabase;
let server: Server;
beforeAll(async () => {
  database = await postgresServer();
  server = await startServer({ env: { DATABASE_URL: database.url } });
}, 60_000);
afterAll(async () => {
  await server?.close();
  await database?.remove();
});

/** `ask` for a lookup, `commit` for a transaction, in their order. */
const kinds = async (task: () => Promise<unknown>): Promise<string[]> =>
  (await messages(task)).map((statements) => (statements.includes('COMMIT') ? 'commit' : 'ask'));

it.each([
  ['a JWT', {}, undefined],
  ['an opaque token', { resource: OTHER_RESOURCE, scope: 'other:use' }, OTHER_SERVER],
])(
  'a code and a refresh token cost a question and a commit, %s a question',
  async (_kind, params: Params, as) => {
    const wish = { by: server.alex(), params };
    // what is asked for the first time is asked by itself, and told how it is answered
    const before = await connect(server, wish);
    await before.refresh(before.tokens.refresh_token);
    await introspect(server, before.tokens.access_token, as);

    const { redeemWith } = await authorize(server, wish);
    expect(
      await kinds(async () => {
        expect((await redeemWith()).status).toBe(200);
      }),
    ).toEqual(['ask', 'commit']);
    const { refresh, tokens } = await connect(server, wish);
    expect(
      await kinds(async () => {
        expect((await refresh(tokens.refresh_token)).status).toBe(200);
      }),
    ).toEqual(['ask', 'commit']);
    expect(
      await kinds(async () => {
        expect((await introspect(server, tokens.access_token, as)).active).toBe(true);
      }),
    ).toEqual(['ask']);
  },
);

it('a registration asks whether it was stopped, the first time also whether such a client is in use, and writes nothing', async () => {
  const registering = () => kinds(() => register(server, { client_name: 'A new one', software_id: 'one' }));
  await registering();
  expect(await registering()).toEqual(['ask']);
});
