// What /metrics says: tokens that are durable, refusals by reason, requests by route; on a listener of its own.

import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { freePort } from '../support/cardea.ts';
import { authorize, connect, slowReads } from '../support/flow.ts';
import { type Server, startServer } from '../support/server.ts';

let server: Server;
let metrics: string;
beforeAll(async () => {
  metrics = `127.0.0.1:${await freePort()}`;
  server = await startServer({ env: { CARDEA_METRICS: metrics } });
});
afterAll(() => server?.close());

/** The value of a series, 0 where there is none yet. */
async function count(series: string): Promise<number> {
  const text = await (await fetch(`http://${metrics}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}
const issued = (type: string) => count(`cardea_tokens_issued_total{grant_type="${type}"}`);

it('a token is counted by its grant type', async () => {
  const { tokens, refresh } = await connect(server);
  await refresh(tokens.refresh_token);
  expect([await issued('authorization_code'), await issued('refresh_token')]).toEqual([1, 1]);
});

it('a token that could not be made durable is not counted, nor one that was refused', async () => {
  const { redeemWith } = await authorize(server);
  const before = await issued('authorization_code');
  const { audit } = server.rooms.storage;
  const append = vi
    .spyOn(audit, 'append')
    .mockImplementation(() => ({ sql: 'INSERT INTO nowhere DEFAULT VALUES', params: [] }));
  expect((await redeemWith()).status).toBeGreaterThanOrEqual(500);
  append.mockRestore();
  expect((await redeemWith({ code_verifier: 'x'.repeat(43) })).status).toBe(400);
  expect(await issued('authorization_code')).toBe(before);
  expect((await redeemWith()).status).toBe(200);
  expect(await issued('authorization_code')).toBe(before + 1);
});

it('a request is counted by its route, and no word of a stranger becomes a series', async () => {
  await fetch(`${server.issuer}/no-such-page-${Math.random()}`);
  await server.post('/token', { grant_type: 'x', client_id: 'nobody' });
  const text = await (await fetch(`http://${metrics}/metrics`)).text();
  expect(text).not.toMatch(/no-such-page|nobody/);
  expect(
    await count('cardea_http_requests_total{route="/token",method="POST",status="401"}'),
  ).toBeGreaterThan(0);
  expect(await count('cardea_refusals_total{reason="client_unknown"}')).toBe(1);
});

it('of eight that redeem one code at the same moment one is counted: who loses a race was given nothing', async () => {
  slowReads(server);
  const { redeemWith } = await authorize(server);
  const before = await issued('authorization_code');
  const answers = await Promise.all(Array.from({ length: 8 }, () => redeemWith()));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(await issued('authorization_code')).toBe(before + 1);
});
