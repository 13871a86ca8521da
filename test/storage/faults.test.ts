// A database that is away: every endpoint says 503 and when to come back, and nothing that a client holds is lost.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cable, cable } from '../support/cable.ts';
import { postgresServer, type TestDatabase } from '../support/databases.ts';
import { authorize, connect, introspect } from '../support/flow.ts';
import { SERVER, type Server, startServer } from '../support/server.ts';

let database: TestDatabase;
let line: Cable;
let server: Server;
beforeAll(async () => {
  database = await postgresServer();
  line = await cable(Number(new URL(database.url).port));
  const url = Object.assign(new URL(database.url), { port: String(line.port) }).href;
  server = await startServer({ env: { DATABASE_URL: url } });
}, 60_000);
afterAll(async () => {
  await server?.close();
  await line?.close();
  await database?.remove();
});

it('while the database is away every request is 503, and what comes after is as if nothing had been', async () => {
  const alex = server.alex();
  const { tokens, client, refresh } = await connect(server, { by: alex });
  const { redeemWith } = await authorize(server, { by: alex, client });
  line.is('refusing');
  line.cut();

  const { client_id } = client;
  const token = tokens.access_token;
  const form = (body: Record<string, string>) => ({ method: 'POST', body: new URLSearchParams(body) });
  const answers = {
    code: await redeemWith(),
    refresh: await refresh(tokens.refresh_token),
    introspect: await server.post('/introspect', { token }, SERVER),
    revoke: await server.post('/revoke', { token: tokens.refresh_token, client_id }),
    register: await server.json('/register', { redirect_uris: ['http://127.0.0.1/cb'] }),
    authorize: await fetch(`${server.issuer}/authorize?client_id=${client_id}&response_type=code`),
    connections: await fetch(`${server.issuer}/connections`, { headers: { cookie: '' } }),
    signIn: await fetch(`${server.issuer}/sign-in`, form({ username: 'a', password: 'b', csrf: 'c' })),
    ready: await fetch(`${server.issuer}/ready`),
  };
  const statuses = Object.entries(answers).map(([what, { status }]) => [what, status]);
  // what needs no database (a page for nobody, a form without its cookie) may be answered as ever
  expect(statuses.filter(([, status]) => Number(status) >= 500 && status !== 503)).toEqual([]);
  for (const what of ['code', 'refresh', 'introspect', 'revoke', 'register', 'authorize', 'ready'] as const)
    expect([what, answers[what].status]).toEqual([what, 503]);
  expect(answers.code.headers.get('retry-after')).toBe('5');
  expect(answers.code.body).toMatchObject({ error: 'temporarily_unavailable' });
  expect((await fetch(`${server.issuer}/health`)).status).toBe(200);
  expect((await fetch(`${server.issuer}/jwks`)).status).toBe(200);

  line.is('whole');
  expect((await redeemWith()).status).toBe(200);
  expect((await introspect(server, token)).active).toBe(true);
  expect((await refresh(tokens.refresh_token)).status).toBe(200);
  expect(server.log()).not.toContain(tokens.refresh_token);
});
