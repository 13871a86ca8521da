// Several servers in one request (RFC 8707 §2): the person decides about each, and every token is for one of them.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authorize,
  authorizeUrl,
  claimsOf,
  connect,
  durably,
  errorOf,
  get,
  introspect,
  redirectOf,
  register,
} from '../support/flow.ts';
import type { Person } from '../support/person.ts';
import { type OfferedTool, toolsOn } from '../support/person-tools.ts';
import { basicConfig, OTHER_SERVER, RESOURCE, SERVER, type Server, startServer } from '../support/server.ts';

const TWIN = 'https://twin.example/mcp';
const TWIN_SERVER = { id: 'twin-server', secret: 'a-secret-of-the-twin-server-000003' };
const HTTPS = 'https://proven.example/cb';

let server: Server;
let alex: Person;
beforeAll(async () => {
  // the twin has a scope of the same name as the library, with tools of the same names
  const [library, other] = basicConfig.resources;
  const twin = { uri: TWIN, name: 'Twin', server: TWIN_SERVER, scopes: [library?.scopes[0]] };
  server = await startServer({
    config: {
      resources: [library, other, twin],
      clients: [{ id: 'proven', name: 'Proven', redirect_uris: [HTTPS] }],
    },
  });
  alex = await server.signedIn();
});
afterAll(() => server.close());

const both = { resource: [RESOURCE, TWIN], scope: 'library:read' };
const boxOf = (page: string) => toolsOn(page);

/** Sends the consent form with only these boxes ticked. */
async function ticking(ticks: string[], wish: Parameters<typeof authorize>[1] = {}) {
  let offered: OfferedTool[] = [];
  const values: string[] = [];
  const inspect = (html: string, kind: string) => {
    if (kind !== 'consent') return;
    offered = boxOf(html);
    values.push(
      ...[...html.matchAll(/type="checkbox" name="(?:tool|scope)" value="([^"]*)"/g)].map((m) => m[1] ?? ''),
    );
  };
  const result = await authorize(server, { by: alex, params: both, ...wish, inspect, only: ticks });
  return { ...result, offered, values };
}

describe('a request for two servers', () => {
  it('shows the tools of each apart, though their scopes have one name', async () => {
    const { values, offered } = await ticking([
      `${RESOURCE} library:read search_books`,
      `${TWIN} library:read list_loans`,
    ]);
    expect(values).toEqual(
      [RESOURCE, TWIN].flatMap((uri) =>
        ['search_books', 'list_loans'].map((tool) => `${uri} library:read ${tool}`),
      ),
    );
    expect(new Set(offered.map(({ scope }) => scope))).toEqual(new Set(['library:read']));
  });

  it('gives a token for the one that is named, with what was ticked there and nothing of the other', async () => {
    const { redeemWith } = await ticking([
      `${RESOURCE} library:read search_books`,
      `${TWIN} library:read list_loans`,
    ]);
    const { status, body } = await redeemWith({ resource: TWIN });
    expect(status).toBe(200);
    expect(claimsOf(body.access_token)).toMatchObject({
      aud: TWIN,
      tools: { 'library:read': ['list_loans'] },
    });
    expect(await introspect(server, body.access_token, SERVER)).toEqual({ active: false });
    expect((await introspect(server, body.access_token, TWIN_SERVER)).tools).toEqual({
      'library:read': ['list_loans'],
    });
  });

  it('goes on with either by refreshing, one family over both', async () => {
    const { redeemWith, client } = await ticking([
      `${RESOURCE} library:read search_books`,
      `${TWIN} library:read list_loans`,
    ]);
    const { body } = await redeemWith({ resource: RESOURCE });
    const fields = { grant_type: 'refresh_token', client_id: client.client_id };
    const second = await server.post('/token', {
      ...fields,
      refresh_token: body.refresh_token,
      resource: TWIN,
    });
    expect(claimsOf(second.body.access_token)).toMatchObject({
      aud: TWIN,
      tools: { 'library:read': ['list_loans'] },
    });
    const third = await server.post('/token', {
      ...fields,
      refresh_token: second.body.refresh_token,
      resource: RESOURCE,
    });
    expect(claimsOf(third.body.access_token)['aud']).toBe(RESOURCE);
    expect((await introspect(server, third.body.access_token)).active).toBe(true);
  });

  it('without a name at the token endpoint is invalid_target and burns nothing', async () => {
    const { redeemWith } = await ticking([
      `${RESOURCE} library:read search_books`,
      `${TWIN} library:read list_loans`,
    ]);
    const unnamed = await redeemWith();
    expect([unnamed.status, unnamed.body.error]).toEqual([400, 'invalid_target']);
    expect((await redeemWith({ resource: RESOURCE })).status).toBe(200);
  });

  it('of which one is left out wholly gives nothing for that one, and no grant', async () => {
    const { redeemWith, client } = await ticking([`${TWIN} library:read list_loans`]);
    const wrong = await redeemWith({ resource: RESOURCE });
    expect([wrong.status, wrong.body.error]).toEqual([400, 'invalid_target']);
    const { body } = await redeemWith();
    expect(claimsOf(body.access_token)['aud']).toBe(TWIN);
    const live = await server.rooms.grants.live(server.account.id, client.client_id);
    expect(live.map(({ resource }) => resource)).toEqual([TWIN]);
  });

  it('of which nothing is ticked is a refusal', async () => {
    const { callback } = await ticking([]);
    expect(callback.searchParams.get('error')).toBe('access_denied');
  });

  it('takes no tick that names a server that was not asked for', async () => {
    const { redeemWith, client } = await ticking([
      `${RESOURCE} library:read search_books`,
      'https://other.example/mcp other:use',
      'library:read list_loans',
    ]);
    const { body } = await redeemWith();
    expect(claimsOf(body.access_token)['tools']).toEqual({ 'library:read': ['search_books'] });
    expect(await server.rooms.grants.live(server.account.id, client.client_id)).toHaveLength(1);
  });

  it('asks for the usual scopes of a server of which none is named', async () => {
    const params = { resource: [RESOURCE, 'https://other.example/mcp'], scope: 'library:write' };
    const { offered } = await ticking([`${RESOURCE} library:write add_book`], { params });
    expect(offered.map(({ scope }) => scope)).toEqual(['library:write', 'library:write', 'other:use']);
  });

  it('ends for one server when that grant is ended, and goes on for the other', async () => {
    const { redeemWith, client } = await ticking([
      `${RESOURCE} library:read search_books`,
      `${TWIN} library:read list_loans`,
    ]);
    const { body } = await redeemWith({ resource: TWIN });
    const grant = String(claimsOf(body.access_token)['grant_id']);
    await durably(server, (work) => server.rooms.grants.end(work, grant, 'a test'));
    expect(await introspect(server, body.access_token, TWIN_SERVER)).toEqual({ active: false });
    const fields = {
      grant_type: 'refresh_token',
      client_id: client.client_id,
      refresh_token: body.refresh_token,
    };
    expect((await server.post('/token', { ...fields, resource: RESOURCE })).status).toBe(200);
  });

  it('is silent for a proven client only where both were decided before', async () => {
    const by = server.alex();
    const client = { client_id: 'proven' };
    const one = { redirect_uri: HTTPS, resource: RESOURCE, scope: 'library:read' };
    await connect(server, { by, client, params: one });
    let asked = 0;
    const inspect = (_html: string, kind: string) => {
      if (kind === 'consent') asked += 1;
    };
    const two = { ...one, resource: [RESOURCE, TWIN] };
    await authorize(server, { by, client, params: two, inspect });
    expect(asked).toBe(1);
    const { redeemWith } = await authorize(server, { by, client, params: two, inspect });
    expect(asked).toBe(1);
    expect((await redeemWith({ resource: TWIN })).status).toBe(200);
  });
});

it('more servers than a person can look through are refused', async () => {
  const { client_id } = await register(server);
  const resource = Array.from({ length: 9 }, (_, n) => `${TWIN}/${n}`);
  const many = await get(authorizeUrl(server, { client_id, resource: [RESOURCE, ...resource] }));
  expect(errorOf(redirectOf(many))['error']).toBe('invalid_target');
});

it('the same server spelt twice is one server', async () => {
  const params = { resource: [TWIN, 'HTTPS://Twin.Example:443/mcp'], scope: 'library:read' };
  const { tokens } = await connect(server, { by: alex, params });
  expect(claimsOf(tokens.access_token)['aud']).toBe(TWIN);
  expect((await introspect(server, tokens.access_token, OTHER_SERVER)).active).toBe(false);
});
