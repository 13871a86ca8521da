// RFC 9700 §4.11.2: the authorization endpoint throws nobody at an address that nobody vouches for.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PlainClient, plainClient } from '../support/client-plain.ts';
import { RESOURCE, type Server, startServer } from '../support/server.ts';

const VOUCHED = 'https://app.example/callback';

let server: Server;
let client: PlainClient;

beforeAll(async () => {
  server = await startServer({
    config: { clients: [{ id: 'vouched', name: 'Vouched', redirect_uris: [VOUCHED] }] },
  });
  client = await plainClient({ issuer: server.issuer, resource: RESOURCE });
});
afterAll(async () => {
  await client.close();
  await server.close();
});

const asBrowser = (url: string) =>
  fetch(url, { redirect: 'manual', headers: { accept: 'text/html,application/xhtml+xml' } });

const broken = () => client.begin('library:read').replace('S256', 'plain');

it('a request of a self-registered client that fails at once shows a page, and no redirect', async () => {
  const response = await asBrowser(broken());
  expect(response.status).toBe(200);
  expect(response.headers.get('location')).toBeNull();
  const page = await response.text();
  expect(page).toContain(new URL(client.redirectUri).host);
  expect(page).toContain('error=invalid_request');
});

it('the same with prompt=none, which would never show a page of ours', async () => {
  const response = await asBrowser(`${client.begin('library:read')}&prompt=none`);
  expect(response.status).toBe(200);
  expect(response.headers.get('location')).toBeNull();
});

it('a program, which follows nothing unasked, gets the redirect', async () => {
  const response = await fetch(broken(), { redirect: 'manual' });
  expect(response.status).toBe(303);
  expect(response.headers.get('location')).toContain('error=invalid_request');
});

it('a client that the operator entered is answered directly', async () => {
  const url = new URL(broken());
  url.searchParams.set('client_id', 'vouched');
  url.searchParams.set('redirect_uri', VOUCHED);
  const response = await asBrowser(url.href);
  expect(response.status).toBe(303);
  expect(response.headers.get('location')).toMatch(
    /^https:\/\/app\.example\/callback\?.*error=invalid_request/,
  );
});
