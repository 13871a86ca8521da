// A decision is remembered for one client, its redirect URI, a resource and its scopes, and for nothing near it; of a
// client that anybody could pretend to be nothing is remembered. THREATS H19, H20, H28.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { authorize, claimsOf, connect, durably, type Params, register } from '../support/flow.ts';
import type { Person } from '../support/person.ts';
import { OTHER_RESOURCE, RESOURCE, type Server, startServer } from '../support/server.ts';

const HTTPS = 'https://proven.example/cb';
const ELSEWHERE = 'https://proven.example/other';
const client = { client_id: 'proven' };

let server: Server;
let alex: Person;
beforeAll(async () => {
  server = await startServer({
    config: {
      clients: [
        { id: 'proven', name: 'Proven', redirect_uris: [HTTPS, ELSEWHERE] },
        { id: 'twin', name: 'Proven', redirect_uris: [HTTPS] },
      ],
      registration: { private_use_schemes: ['cursor'] },
    },
  });
});
afterAll(() => server.close());
beforeEach(() => {
  alex = server.alex();
});

const remembered = { redirect_uri: HTTPS, resource: RESOURCE, scope: 'library:read' };

async function asked(params: Params, as: { client_id: string } = client, by = alex) {
  const pages: string[] = [];
  const { callback, redeemWith } = await authorize(server, {
    by,
    client: as,
    params: { ...remembered, ...params },
    inspect: (html, kind) => void (kind === 'consent' && pages.push(html)),
  });
  return { pages, callback, redeemWith };
}

describe('what was allowed once', () => {
  beforeEach(async () => {
    // one account for all of these: what the one before allowed is ended first
    for (const { id } of await server.rooms.grants.live(server.account.id, 'proven')) {
      await durably(server, (work) => server.rooms.grants.end(work, id, 'a test'));
    }
    await connect(server, { by: alex, client, params: remembered });
    expect((await asked({})).pages).toHaveLength(0);
  });

  it.each<[string, Params]>([
    ['another redirect URI', { redirect_uri: ELSEWHERE }],
    ['a scope more', { scope: 'library:read library:write' }],
    ['another scope', { scope: 'library:write' }],
    ['another resource', { resource: OTHER_RESOURCE, scope: 'other:use' }],
    ['a resource more', { resource: [RESOURCE, OTHER_RESOURCE], scope: 'library:read other:use' }],
  ])('is asked again for %s', async (_what, params) => {
    expect((await asked({ ...params, prompt: 'none' })).callback.searchParams.get('error')).toBe(
      'consent_required',
    );
    const { pages, callback } = await asked({ ...params });
    expect(pages).toHaveLength(1);
    expect(callback.searchParams.has('code')).toBe(true);
  });

  it('is asked again for another client of the same name and address', async () => {
    expect((await asked({}, { client_id: 'twin' })).pages).toHaveLength(1);
  });

  it('goes on in silence only to where the client is known to be, and says who sent it', async () => {
    const { callback, redeemWith, pages } = await asked({});
    expect(pages).toHaveLength(0);
    expect(callback.origin + callback.pathname).toBe(HTTPS);
    // RFC 9207: a client that was sent here by somebody else's server can tell
    expect(callback.searchParams.get('iss')).toBe(server.issuer);
    const { body } = await redeemWith();
    expect(claimsOf(body.access_token)['aud']).toBe(RESOURCE);
  });
});

it('who allowed much is not asked about a part of it, and the token is for the part', async () => {
  const by = server.alex();
  await connect(server, { by, client, params: { ...remembered, scope: 'library:read library:write' } });
  const { pages, redeemWith } = await asked({ scope: 'library:read' }, client, by);
  expect(pages).toHaveLength(0);
  expect((await redeemWith()).body.scope).toBe('library:read');
});

it('where somebody is asked, they are told which app wants to use which server', async () => {
  const { pages } = await asked({ prompt: 'consent' });
  expect(pages[0]).toContain('Proven');
  expect(pages[0]).toContain('Town Library');
  expect(pages[0]).toContain('proven.example');
});

describe('every time a person is asked about a client', () => {
  it.each([
    ['http://localhost:4455/callback'],
    ['http://127.0.0.1/callback'],
    ['http://[::1]:4455/callback'],
    ['cursor://anysphere.cursor/mcp/callback'],
    ['https://phisher.example/cb'],
  ])('that registered itself with %s', async (redirect_uri) => {
    const own = await register(server, { redirect_uris: [redirect_uri], application_type: undefined });
    for (const turn of ['first', 'second']) {
      expect([turn, (await asked({ redirect_uri }, own)).pages.length]).toEqual([turn, 1]);
    }
    const silent = await asked({ redirect_uri, prompt: 'none' }, own);
    expect(silent.callback.searchParams.get('error')).toBe('consent_required');
  });
});
