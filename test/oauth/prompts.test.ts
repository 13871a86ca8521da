// What a client may say about the moment of asking: prompt, max_age, login_hint (OpenID Connect Core §3.1.2.1), of
// which plain OAuth clients make use as well; and what a program hears that asks with Accept: application/json.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authorize,
  authorizeUrl,
  CALLBACK,
  connect,
  errorOf,
  get,
  type Params,
  register,
} from '../support/flow.ts';
import { later } from '../support/later.ts';
import type { PageKind, Person } from '../support/person.ts';
import { type Server, startServer } from '../support/server.ts';

const HTTPS = 'https://proven.example/cb';
const client = { client_id: 'proven' };

let server: Server;
let alex: Person;
beforeAll(async () => {
  server = await startServer({
    config: { clients: [{ id: 'proven', name: 'Proven', redirect_uris: [HTTPS, CALLBACK] }] },
  });
  alex = server.alex();
  await connect(server, { by: alex, client, params: { redirect_uri: HTTPS } });
});
afterAll(() => server.close());

/** The pages that were shown on the way, and what the client got. */
async function pages(params: Params, by = alex, as: typeof client | undefined = client) {
  const seen: PageKind[] = [];
  const { callback } = await authorize(server, {
    by,
    ...(as ? { client: as } : {}),
    params: { ...(as ? { redirect_uri: HTTPS } : {}), ...params },
    inspect: (_html, kind) => void seen.push(kind),
  });
  return { seen, ...errorOf(callback) } as { seen: PageKind[]; code?: string; error?: string };
}

describe('prompt', () => {
  it('none gives a code where everything has been decided, and says what is missing where it has not', async () => {
    expect((await pages({ prompt: 'none' })).code).toBeDefined();
    expect(await pages({ prompt: 'none' }, server.alex())).toMatchObject({
      seen: [],
      error: 'login_required',
    });
    // D09: of a client whose identity cannot be proven nothing is remembered
    const registered = await register(server);
    await connect(server, { by: alex, client: registered });
    const silent = await pages({ prompt: 'none', redirect_uri: CALLBACK }, alex, registered);
    expect(silent.error).toBe('consent_required');
    const loopback = await pages({ prompt: 'none', redirect_uri: CALLBACK });
    expect(loopback.error).toBe('consent_required');
  });

  it.each<[string, PageKind[]]>([
    ['login', ['sign-in']],
    ['consent', ['consent']],
    ['select_account', ['consent']],
    ['login consent', ['sign-in', 'consent']],
    ['login select_account', ['sign-in', 'consent']],
    ['whatever', []],
    ['', []],
  ])('%j shows %j', async (prompt, kinds) => {
    const { seen, code } = await pages({ prompt });
    expect([seen, code !== undefined]).toEqual([kinds, true]);
  });

  it('none together with another is refused', async () => {
    expect((await pages({ prompt: 'none login' })).error).toBe('invalid_request');
  });
});

describe.each(['library:read library:write', 'openid library:read library:write'])(
  'max_age with scope %j',
  (scope) => {
    it('asks to sign in again where the last time is longer ago, and not otherwise', async () => {
      const by = await server.signedIn();
      expect((await pages({ scope, max_age: '300' }, by)).seen).not.toContain('sign-in');
      later(301_000);
      expect((await pages({ scope, max_age: '300' }, by)).seen).toContain('sign-in');
      expect((await pages({ scope, max_age: '300' }, by)).seen).not.toContain('sign-in');
    });

    it('of 0 asks to sign in every time', async () => {
      expect((await pages({ scope, max_age: '0' })).seen).toContain('sign-in');
      expect((await pages({ scope, max_age: '0' })).seen).toContain('sign-in');
    });

    it('with prompt=none says that a sign-in is required', async () => {
      const by = server.alex();
      await connect(server, { by, client, params: { redirect_uri: HTTPS, scope } });
      later(301_000);
      expect((await pages({ scope, max_age: '300', prompt: 'none' }, by)).error).toBe('login_required');
    });

    it.each(['-1', '1e99', 'NaN', '1.5', 'x'.repeat(9000)])(
      'that is no age (%.8s) is refused',
      async (max_age) => {
        const { client_id } = await register(server);
        const response = await get(authorizeUrl(server, { client_id, scope, max_age }));
        const location = response.headers.get('location');
        expect(location ? errorOf(new URL(location))['error'] : response.status).toEqual(
          location ? 'invalid_request' : expect.toBeOneOf([400, 414, 431]),
        );
      },
    );
  },
);

it('login_hint is filled in, as text, and one of absurd length is not', async () => {
  const hint = '"><script>x</script>';
  const { client_id } = await register(server);
  const page = await server.alex().visit(authorizeUrl(server, { client_id, login_hint: hint }));
  expect(page.html).toContain('value="&quot;&gt;&lt;script&gt;x&lt;/script&gt;"');
  const long = await server.alex().visit(authorizeUrl(server, { client_id, login_hint: 'x'.repeat(1000) }));
  expect(long.html).not.toContain('xxxxxxxx');
});

it('a program that asks whether its client is still known hears it in JSON', async () => {
  const url = authorizeUrl(server, { client_id: 'gone' });
  const response = await get(url, { accept: 'application/json' });
  expect([400, 401]).toContain(response.status);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  expect(await response.json()).toMatchObject({ error: 'invalid_client', trace_id: expect.any(String) });
});
