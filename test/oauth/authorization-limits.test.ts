// Each authorization request is kept until it has run out, and anybody may make one: a network that begins too many waits,
// and nobody else does. THREATS D23.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { authorizeUrl, CALLBACK, type Client, get, pkce, register, search } from '../support/flow.ts';
import { later } from '../support/later.ts';
import { RESOURCE, type Server, startServer } from '../support/server.ts';
import { stored } from '../support/stored.ts';

let server: Server;
let client: Client;
beforeAll(async () => {
  server = await startServer({
    config: {
      limits: { sign_ins: 0, registrations: 0, authorizations: 5 },
      trusted_proxies: ['127.0.0.1'],
    },
  });
  client = await register(server);
});
afterAll(() => server.close());

let networks = 0;
const elsewhere = () => ({ 'x-forwarded-for': `203.0.113.${++networks}` });
const begin = (headers: Record<string, string>, accept = 'text/html') =>
  get(authorizeUrl(server, { client_id: client.client_id }), { ...headers, accept });
const waiting = () =>
  (stored(server)['artifacts'] ?? []).filter(({ model }) => model === 'Interaction').length;

async function exhausted() {
  const from = elsewhere();
  for (let n = 0; n < 5; n += 1) expect((await begin(from)).status).toBe(303);
  return from;
}

async function push(of: Client, headers: Record<string, string>): Promise<Response> {
  const { client_id, client_secret } = of;
  const { challenge } = pkce();
  const asked = { response_type: 'code', redirect_uri: CALLBACK, resource: RESOURCE };
  const body = search({
    ...asked,
    client_id,
    client_secret,
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });
  return fetch(`${server.issuer}/par`, { method: 'POST', body, headers });
}

it('a network that begins too many is told to wait, as a page or as JSON, and leaves nothing', async () => {
  const from = await exhausted();
  const before = waiting();
  const page = await begin(from);
  expect([page.status, Number(page.headers.get('retry-after')) > 0]).toEqual([429, true]);
  expect(await page.text()).toMatch(/<h1/);
  const json = await begin(from, 'application/json');
  expect([json.status, await json.json()]).toEqual([
    429,
    expect.objectContaining({ error: 'temporarily_unavailable' }),
  ]);
  expect(waiting()).toBe(before);
  expect(page.headers.getSetCookie()).toEqual([]);
});

it('everybody else begins as before', async () => {
  await exhausted();
  expect((await begin(elsewhere())).status).toBe(303);
});

it('it may again after a while', async () => {
  const from = await exhausted();
  later(61_000);
  expect((await begin(from)).status).toBe(303);
  expect((await begin(from)).status).toBe(429);
});

it('what is answered counts no more, be it allowed, denied, given in silence or refused at once', async () => {
  const alex = await server.signedIn(); // on a network of their own
  const url = (more = {}) => authorizeUrl(server, { client_id: client.client_id, ...more });
  for (let n = 0; n < 4; n += 1) expect(await alex.approve(url())).toContain('code=');
  for (let n = 0; n < 4; n += 1) expect(await alex.approve(url(), { deny: true })).toContain('access_denied');
  for (let n = 0; n < 4; n += 1) expect((await get(url({ prompt: 'none' }))).status).toBe(303);
  for (let n = 0; n < 4; n += 1) expect((await get(url({ client_id: 'nobody' }))).status).toBe(400);
  expect(await alex.approve(url())).toContain('code=');
});

it('what a client without proof pushes counts with it; one that proves itself pushes for all of its people', async () => {
  const from = elsewhere();
  for (let n = 0; n < 5; n += 1) expect((await push(client, from)).status).toBe(201);
  const more = await push(client, from);
  expect([more.status, more.headers.get('retry-after')]).toEqual([429, '60']);
  expect((await begin(from)).status).toBe(429);
  const proven = await register(server, { token_endpoint_auth_method: 'client_secret_post' });
  for (let n = 0; n < 7; n += 1) expect((await push(proven, from)).status).toBe(201);
});
