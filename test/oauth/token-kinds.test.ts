// Every value that opens something, presented as everything else: what is good for one thing is nothing to another, and
// neither is what a stolen database holds. THREATS F12, F13, F32, E17.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOKEN_EXCHANGE, vaultConfig } from '../support/exchange.ts';
import {
  authorize,
  CALLBACK,
  type Connected,
  connect,
  introspect,
  pkce,
  register,
  search,
} from '../support/flow.ts';
import type { Person } from '../support/person.ts';
import { RESOURCE, SERVER, type Server, startServer } from '../support/server.ts';
import { stored } from '../support/stored.ts';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const TV = { id: 'tv', name: 'Television', grant_types: [DEVICE, 'refresh_token'] };

let server: Server;
let alex: Person;
let held: Connected;
const values: Record<string, string> = {};
const managed = { id: '', token: '' };

beforeAll(async () => {
  server = await startServer({ config: { ...vaultConfig(), clients: [TV] } });
  alex = await server.signedIn();
  held = await connect(server, { by: alex, params: { scope: 'library:read openid' } });
  const { client_id } = held.client;
  values['a refresh token'] = held.tokens.refresh_token;
  values['an access token'] = held.tokens.access_token;
  values['an ID token'] = String((held.tokens as Record<string, unknown>)['id_token']);
  values['a used code'] = held.code;
  const waiting = await authorize(server, { by: alex, client: held.client });
  values['a code'] = waiting.code;
  const device = await server.post('/device_authorization', { client_id: 'tv', resource: RESOURCE });
  values['a device code'] = device.body.device_code;
  values['a code for a person to type'] = device.body.user_code;
  const pushed = await server.post(
    '/par',
    search({
      client_id,
      response_type: 'code',
      redirect_uri: CALLBACK,
      resource: RESOURCE,
      code_challenge: pkce().challenge,
      code_challenge_method: 'S256',
    }),
  );
  values['a pushed request'] = pushed.body.request_uri;
  values['the name of a pushed request'] = pushed.body.request_uri.split(':').at(-1);
  const own = await register(server, { token_endpoint_auth_method: 'client_secret_post' });
  const { registration_access_token: token } = own as unknown as Record<string, string>;
  Object.assign(managed, { id: own.client_id, token });
  values['a registration token'] = token ?? '';
  values["a client's secret"] = own.client_secret ?? '';
  values["a server's secret"] = SERVER.secret;
  values['a session'] =
    /cardea_session=([^;]+)/.exec(alex.cookies.header(new URL(server.issuer)) ?? '')?.[1] ?? '';
  for (const { model, key } of stored(server)['artifacts'] ?? [])
    values[`the row of a ${model}`] = String(key);
  expect(Object.values(values).filter((value) => !value || value === 'undefined')).toEqual([]);
});
afterAll(() => server.close());

/** Where a value is presented, and which kinds are meant for it. */
const PLACES: Record<
  string,
  { meant: string[]; present: (value: string) => Promise<Response | { status: number; body: unknown }> }
> = {
  'as a code': {
    meant: ['a code', 'a used code'],
    present: (code) =>
      server.post('/token', {
        grant_type: 'authorization_code',
        code,
        client_id: held.client.client_id,
        redirect_uri: CALLBACK,
        code_verifier: held.verifier,
      }),
  },
  'as a refresh token': {
    meant: ['a refresh token'],
    present: (refresh_token) =>
      server.post('/token', { grant_type: 'refresh_token', refresh_token, client_id: held.client.client_id }),
  },
  'as a device code': {
    meant: ['a device code'],
    present: (device_code) => server.post('/token', { grant_type: DEVICE, device_code, client_id: 'tv' }),
  },
  'as a token to exchange': {
    meant: ['an access token'],
    present: (subject_token) =>
      server.post(
        '/token',
        {
          grant_type: TOKEN_EXCHANGE,
          subject_token,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          audience: 'weather',
        },
        SERVER,
      ),
  },
  'as a registration token': {
    meant: ['a registration token'],
    present: (token) =>
      fetch(`${server.issuer}/register/${managed.id}`, { headers: { authorization: `Bearer ${token}` } }),
  },
  'as a pushed request': {
    meant: ['a pushed request', 'the name of a pushed request'],
    present: (name) => {
      const request_uri = name.startsWith('urn:') ? name : `urn:ietf:params:oauth:request_uri:${name}`;
      const query = search({ client_id: held.client.client_id, request_uri });
      return fetch(`${server.issuer}/authorize?${query}`, {
        redirect: 'manual',
        headers: { accept: 'application/json' },
      });
    },
  },
  'as the secret of a client': {
    meant: ["a client's secret"],
    present: (client_secret) => server.post('/revoke', { token: 'x', client_id: managed.id, client_secret }),
  },
};

describe.each(Object.entries(PLACES))('%s', (_where, { meant, present }) => {
  it('nothing is taken but what is meant for it', async () => {
    for (const [kind, value] of Object.entries(values)) {
      if (meant.includes(kind)) continue;
      const { status } = await present(value);
      expect([kind, status >= 400 && status < 500]).toEqual([kind, true]);
    }
  });
});

it('at introspection nothing is live but an access token', async () => {
  for (const [kind, value] of Object.entries(values)) {
    expect([kind, (await introspect(server, value)).active]).toEqual([kind, kind === 'an access token']);
  }
});

it('as a session or an interaction nothing lets anybody in', async () => {
  for (const [kind, value] of Object.entries(values)) {
    if (kind === 'a session') continue;
    for (const name of ['cardea_session', 'cardea_interaction', 'cardea_resume']) {
      const headers = { cookie: `${name}=${encodeURIComponent(value)}`, accept: 'text/html' };
      for (const path of ['/connections', `/interaction/${encodeURIComponent(value)}`]) {
        const response = await fetch(server.issuer + path, { redirect: 'manual', headers });
        const inside = response.status === 200 && (await response.text()).includes('Sign out');
        expect([kind, path, inside]).toEqual([kind, path, false]);
      }
    }
  }
});

it('at revocation nothing ends but what is meant to: afterwards everything is as good as before', async () => {
  for (const [kind, value] of Object.entries(values)) {
    if (['a refresh token', 'an access token'].includes(kind)) continue;
    const { status } = await server.post('/revoke', { token: value, client_id: held.client.client_id });
    expect([kind, status]).toEqual([kind, 200]);
  }
  expect((await introspect(server, held.tokens.access_token)).active).toBe(true);
  expect((await held.refresh(held.tokens.refresh_token)).status).toBe(200);
});

it('whatever opens something is 128 bits of chance at least, says nothing, and is never the same twice', async () => {
  const again: string[] = [];
  for (let n = 0; n < 8; n += 1)
    again.push((await authorize(server, { by: alex, client: held.client })).code);
  const random = ['a code', 'a refresh token', 'a device code', 'the name of a pushed request'];
  for (const value of [...random.map((kind) => values[kind] ?? ''), ...again]) {
    expect(value).toMatch(/^[\w-]{22,}$/);
    for (const known of [server.account.id, held.client.client_id, 'alex'])
      expect(value).not.toContain(known);
  }
  expect(new Set(again).size).toBe(8);
  // no two begin or end alike, as they would with a clock or a counter in them
  for (const part of [(code: string) => code.slice(0, 6), (code: string) => code.slice(-6)])
    expect(new Set(again.map(part)).size).toBe(8);
});
