// An account that is disabled is refused at every door, whatever was begun or allowed before. THREATS K13, E15.

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { connected, exchange, keep, vaultConfig } from '../support/exchange.ts';
import { authorizeUrl, type Connected, connect, durably, introspect, register } from '../support/flow.ts';
import type { Person, View } from '../support/person.ts';
import { formsOf, textOf } from '../support/person-form.ts';
import { RESOURCE, type Server, startServer } from '../support/server.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const HTTPS = 'https://proven.example/cb';

let server: Server;
let alex: Person;
let app: Connected;
beforeAll(async () => {
  server = await startServer({
    config: {
      ...vaultConfig(),
      clients: [
        { id: 'tv', name: 'Television', grant_types: [GRANT, 'refresh_token'] },
        { id: 'proven', name: 'Proven', redirect_uris: [HTTPS] },
      ],
    },
  });
});
afterAll(() => server.close());

const disable = (disabled: boolean) =>
  durably(server, (work) => server.rooms.accounts.setDisabled(work, 'alex', disabled));
beforeEach(async () => {
  alex = await server.signedIn();
  await keep(server);
  app = await connected(server, { by: alex });
});
afterEach(() => disable(false));

const at = (path: string): string => `${server.issuer}${path}`;
const hasField = (view: View, name: string): boolean =>
  formsOf(view.html, view.url).some(({ controls }) => controls.some((each) => each.name === name));
const live = () => server.rooms.storage.grants.connections(server.account.id);

const begun = async (): Promise<{ device_code: string; user_code: string }> => {
  const asked = { client_id: 'tv', resource: RESOURCE, scope: 'library:read' };
  return (await server.post('/device_authorization', asked)).body;
};
const typeCode = async (user_code: string): Promise<View> =>
  alex.send(await alex.visit(at('/device')), ({ action }) => action.endsWith('/device'), { user_code });

it('the right password opens nothing, and says no more than a wrong one', async () => {
  await disable(true);
  const somebody = server.alex();
  const view = await somebody.signIn(server.issuer);
  expect(view.status).toBe(422);
  expect(textOf(view.html)).toContain('do not belong together');
  expect((await somebody.visit(at('/connections'))).url.pathname).toBe('/sign-in');
});

it.each(['/connections', '/device', '/sign-out', '/'])(
  'a browser that is signed in is not any more: %s',
  async (path) => {
    await disable(true);
    const view = await alex.visit(at(path));
    expect(textOf(view.html)).not.toContain('alex');
  },
);

it('a connection gets no further token, none of an upstream, and its token counts for nothing', async () => {
  await disable(true);
  const { access_token, refresh_token } = app.tokens;
  expect((await app.refresh(refresh_token)).body.error).toBe('invalid_grant');
  expect(await introspect(server, access_token)).toEqual({ active: false });
  const upstream = await exchange(server, access_token);
  expect([upstream.status, upstream.body.error]).toEqual([400, 'invalid_request']);
});

it('a consent page that was open allows nothing', async () => {
  const { client_id } = await register(server);
  const page = await alex.visit(authorizeUrl(server, { client_id }));
  const before = (await live()).length;
  await disable(true);
  const after = await alex.press(page, 'decision', 'allow');
  expect(typeof after === 'object' && [after.status, textOf(after.html)]).toEqual([
    400,
    expect.stringContaining('This sign-in has run out'),
  ]);
  expect(await live()).toHaveLength(before);
});

it('a client that is remembered gets no code', async () => {
  const client = { client_id: 'proven' };
  const params = { redirect_uri: HTTPS, client_id: 'proven' };
  await connect(server, { by: alex, client, params });
  const silent = authorizeUrl(server, { ...params, prompt: 'none' });
  expect(new URL(String(await alex.open(silent))).searchParams.has('code')).toBe(true);
  await disable(true);
  expect(new URL(String(await alex.open(silent))).searchParams.get('error')).toBe('login_required');
  const loud = await alex.visit(authorizeUrl(server, params));
  expect([loud.status, hasField(loud, 'password')]).toEqual([200, true]);
});

it('a device that waits is not connected, and one that was just allowed gets nothing', async () => {
  const [waiting, allowed] = [await begun(), await begun()];
  const page = await typeCode(waiting.user_code);
  await alex.press(await typeCode(allowed.user_code), 'decision', 'allow');
  await disable(true);
  const sent = await alex.press(page, 'decision', 'allow');
  expect(typeof sent === 'object' && sent.url.pathname).toBe('/sign-in');
  const poll = (device_code: string) =>
    server.post('/token', { grant_type: GRANT, client_id: 'tv', device_code });
  expect((await poll(waiting.device_code)).body.error).toBe('authorization_pending');
  expect((await poll(allowed.device_code)).body.error).toBe('invalid_grant');
});

it('a link to connect an account elsewhere leads nowhere', async () => {
  const { body } = await exchange(server, app.tokens.access_token, { audience: 'weather' });
  await disable(true);
  expect((await alex.visit(body.connect_uri)).url.pathname).toBe('/sign-in');
});

it('a page of connections that was open ends nothing, and adds nothing', async () => {
  const page = await alex.visit(at('/connections'));
  const before = (await live()).length;
  await disable(true);
  const sent = await alex.send(page, ({ action }) => action.endsWith('/connections/end'));
  expect(sent.url.pathname).toBe('/sign-in');
  expect(await live()).toHaveLength(before);
});

it('enabled again, all of it goes on', async () => {
  await disable(true);
  await disable(false);
  expect((await app.refresh(app.tokens.refresh_token)).status).toBe(200);
});
