// Redirect URIs (RFC 6749 §3.1.2, RFC 9700 §4.1, RFC 8252 §7.3): a code and a person go where the client said
// beforehand, letter by letter; only the port of a loopback address is free.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorizeUrl, browse, errorOf, get, redirectOf, register } from '../support/flow.ts';
import { type Server, startServer } from '../support/server.ts';

let server: Server;
let web: string;
let native: string;
beforeAll(async () => {
  server = await startServer();
  web = (await register(server, { redirect_uris: ['https://c.example/cb', 'https://c.example/cb?x=1'] }))
    .client_id;
  native = (
    await register(server, {
      redirect_uris: [
        'http://127.0.0.1/cb',
        'http://localhost:1234/cb',
        'http://[::1]/cb',
        'cursor://anysphere.cursor-mcp/cb',
      ],
    })
  ).client_id;
});
afterAll(() => server.close());

const ask = (client_id: string | undefined, redirect_uri: string | string[] | undefined) =>
  browse(authorizeUrl(server, { client_id, redirect_uri }));

/** A page of our own, which leads nowhere by itself. */
async function refusedHere(response: Response): Promise<string> {
  const html = await response.text();
  expect(response.headers.get('location')).toBeNull();
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(response.status).toBeLessThan(500);
  expect(response.headers.get('content-type')).toMatch(/^text\/html/);
  expect(html).not.toMatch(/<meta[^>]+refresh/i);
  expect(html).not.toMatch(/<script/i);
  return html;
}

const goesOn = (response: Response) =>
  expect(redirectOf(response).href).toMatch(new RegExp(`^${server.issuer}/interaction/`));

/** Relative locations are the issuer's own. */
const asked = async (client_id: string, redirect_uri: string): Promise<Response> => {
  const response = await ask(client_id, redirect_uri);
  const location = response.headers.get('location');
  return location?.startsWith('/')
    ? new Response(null, { status: response.status, headers: { location: server.issuer + location } })
    : response;
};

describe('a redirect URI is accepted', () => {
  it.each(['https://c.example/cb', 'https://c.example/cb?x=1'])('as registered: %s', async (uri) =>
    goesOn(await asked(web, uri)),
  );

  it.each([
    'http://127.0.0.1/cb',
    'http://127.0.0.1:49152/cb',
    'http://localhost:1234/cb',
    'http://localhost:60001/cb',
    'http://[::1]:8123/cb',
    'cursor://anysphere.cursor-mcp/cb',
  ])('on loopback with any port, or with a private-use scheme as registered: %s', async (uri) =>
    goesOn(await asked(native, uri)),
  );
});

describe('a redirect URI is never followed', () => {
  it.each([
    'https://c.example/cb/evil',
    'https://c.example/cb/',
    'https://c.example/cb/../evil',
    'https://c.example/cb/%2e%2e/evil',
    'https://c.example/%63b',
    'https://c.example/cb;x',
    'https://c.example//cb',
    'https://c.example/CB',
    'https://C.EXAMPLE/cb',
    'HTTPS://c.example/cb',
    'https://c.example:443/cb',
    'https://c.example:8443/cb',
    'https://c.example./cb',
    'https://c.example/cb?',
    'https://c.example/cb?x=2',
    'https://c.example/cb?x=1&y=2',
    'https://c.example/cb#',
    'https://c.example/cb#x',
    'https://c.example/cb ',
    ' https://c.example/cb',
    'https://c.example/cb\t',
    'https://c.example/cb\n',
    'https://c.example\n/cb',
    'https://c。example/cb',
    'https://c.example@evil.example/cb',
    'https://c.example:x@evil.example/cb',
    'https://evil.example/https://c.example/cb',
    'https://c.example\\@evil.example/cb',
    'https://c.example\\.evil.example/cb',
    'https://c.example#@evil.example/cb',
    'https://c.example%00.evil.example/cb',
    'https://c.example.evil.example/cb',
    'https://[::1]@evil.example/cb',
    'https://*.example/cb',
    'http://c.example/cb',
    '//c.example/cb',
    '/cb',
    'cb',
    'javascript:alert(1)//https://c.example/cb',
    'data:text/html,x',
    `https://c.example/cb${'x'.repeat(4000)}`,
  ])('when it only looks like a registered one: %j', async (uri) => {
    await refusedHere(await ask(web, uri));
  });

  it.each([
    'http://127.0.0.1/other',
    'http://127.0.0.1:80/cb/',
    'https://127.0.0.1/cb',
    'http://127.0.0.2/cb',
    'http://127.1/cb',
    'http://2130706433/cb',
    'http://localhost.evil.example/cb',
    'http://127.0.0.1.evil.example/cb',
    'http://localhost@evil.example/cb',
    'http://127.0.0.1:1@evil.example/cb',
    'http://127.0.0.1:99999/cb',
    'http://127.0.0.1:/cb?x',
    'http://[::ffff:127.0.0.1]/cb',
    'http://0.0.0.0/cb',
    'cursor://anysphere.cursor-mcp:1/cb',
    'cursor://evil/cb',
  ])('on loopback when more than the port differs: %j', async (uri) => {
    await refusedHere(await ask(native, uri));
  });

  it('when it is repeated, empty, or missing where several are registered', async () => {
    await refusedHere(await ask(web, ['https://c.example/cb', 'https://evil.example/cb']));
    await refusedHere(await ask(web, ['https://c.example/cb', 'https://c.example/cb']));
    await refusedHere(await ask(web, ''));
    await refusedHere(await ask(web, undefined));
  });
});

describe('a client that is not known', () => {
  it.each([
    'nope',
    '__proto__',
    'constructor',
    'x'.repeat(5000),
    '',
    '<script>alert(1)</script>',
    'https://',
    'a\0b',
  ])('%j leads to a page, never to its redirect URI', async (id) => {
    const html = await refusedHere(await ask(id, 'https://evil.example/cb'));
    expect(html).not.toContain('<script>alert');
  });

  it('without an id at all leads to a page', async () => {
    await refusedHere(await ask(undefined, 'https://evil.example/cb'));
  });

  it('is told so in JSON when it asks for JSON, so that it can register anew', async () => {
    const url = authorizeUrl(server, { client_id: 'long-gone', redirect_uri: 'http://127.0.0.1/cb' });
    const response = await get(url, { accept: 'application/json' });
    expect([400, 401]).toContain(response.status);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.json()).toMatchObject({ error: 'invalid_client', trace_id: expect.any(String) });
  });

  it('is a client that was disabled, too', async () => {
    const { client_id } = await register(server);
    const work = server.rooms.work();
    await server.rooms.clients.setDisabled(work, client_id, true);
    await work.commit();
    await refusedHere(await ask(client_id, undefined));
  });
});

it('markup in a request is text on the page that refuses it', async () => {
  const url = authorizeUrl(server, {
    client_id: 'x"><img src=x onerror=alert(1)>',
    state: '<script>alert(1)</script>',
    scope: '<b>',
  });
  const html = await refusedHere(await browse(url));
  expect(html).not.toMatch(/<img|<b>/);
});

it.each(['fragment', 'form_post', 'web_message', 'query.jwt', 'nonsense'])(
  'response_mode %s is not offered: a code comes in the query or not at all',
  async (response_mode) => {
    const response = await get(
      authorizeUrl(server, { client_id: web, redirect_uri: 'https://c.example/cb', response_mode }),
    );
    const location = response.headers.get('location');
    if (location)
      expect(errorOf(new URL(location, server.issuer))['error']).toMatch(
        /^(invalid_request|unsupported_response_mode)$/,
      );
    else await refusedHere(response);
  },
);
