// How often clients may register: who floods has to wait, and whoever uses a client that people use does not.

import { afterEach, beforeEach, expect, it } from 'vitest';
import { CALLBACK, type Client, connect } from '../support/flow.ts';
import { type Server, startServer } from '../support/server.ts';
import { counts } from '../support/stored.ts';

let server: Server;
beforeEach(async () => {
  server = await startServer({
    config: { limits: { sign_ins: 0, registrations: 10, unproven_registrations: 15 } },
    env: { CARDEA_TRUSTED_PROXIES: '127.0.0.0/8' },
  });
});
afterEach(() => server.close());

const ask = (client_name: string, from: string, more: Record<string, unknown> = {}) =>
  fetch(`${server.issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': from },
    body: JSON.stringify({
      client_name,
      redirect_uris: [CALLBACK],
      token_endpoint_auth_method: 'none',
      ...more,
    }),
  });

const statuses = async (times: number, each: (n: number) => Promise<Response>): Promise<number[]> => {
  const all: number[] = [];
  for (let n = 0; n < times; n += 1) all.push((await each(n)).status);
  return all;
};
const created = (all: number[]): number => all.filter((status) => status === 201).length;

it('a flood from one network, whatever it says it was forwarded for, is told to wait, and leaves nothing', async () => {
  const before = counts(server);
  const all = await statuses(30, (n) => ask(`Flood ${n}`, `198.51.100.${n}, 203.0.113.1`));
  expect(created(all)).toBe(10);
  const refused = await ask('Flood', '203.0.113.1');
  expect([refused.status, ((await refused.json()) as { error: string }).error]).toEqual([
    429,
    'temporarily_unavailable',
  ]);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(refused.headers.get('access-control-allow-origin')).toBe('*');
  expect(counts(server)).toEqual(before);
  expect((await ask('Honest', '203.0.113.2')).status).toBe(201);
});

it('a flood from many networks stops at what all together may, and clients that people use are not among them', async () => {
  const hosted = {
    redirect_uris: ['https://hosted.example/cb'],
    token_endpoint_auth_method: 'client_secret_post',
  };
  const first = (await (await ask('Hosted', '203.0.113.7', hosted)).json()) as Client;
  await connect(server, { client: first, params: { redirect_uri: 'https://hosted.example/cb' } });
  const native = (await (await ask('Native', '203.0.113.7')).json()) as Client;
  await connect(server, { client: native });

  expect(created(await statuses(30, (n) => ask(`Flood ${n}`, `198.51.100.${n}`)))).toBeLessThanOrEqual(15);
  expect((await ask('New', '203.0.113.8')).status).toBe(429);
  expect(created(await statuses(20, () => ask('Hosted', '203.0.113.7', hosted)))).toBe(20);
  const ports = (n: number) => ({ redirect_uris: [`http://127.0.0.1:${5000 + n}/callback`] });
  expect(created(await statuses(20, (n) => ask('Native', '203.0.113.9', ports(n))))).toBe(20);
});

it('the same registration again is no new one; but nobody occupies the server with it', async () => {
  const all = await statuses(120, () => ask('Same', '203.0.113.1'));
  expect(created(all)).toBe(100);
});

it('what is refused for its contents does not count', async () => {
  await statuses(12, () => ask('Bad', '203.0.113.1', { redirect_uris: ['http://evil.example/'] }));
  expect((await ask('Good', '203.0.113.1')).status).toBe(201);
});
