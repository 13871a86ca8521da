// Every address with every method: what is not meant is refused, never a fault, and leaves nothing behind.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorizeUrl, register } from '../support/flow.ts';
import { raw } from '../support/raw.ts';
import { type Server, startServer } from '../support/server.ts';
import { counts } from '../support/stored.ts';

let server: Server;
let host: string;
beforeAll(async () => {
  server = await startServer();
  host = new URL(server.issuer).host;
});
afterAll(() => server.close());

/** By address: the methods that are meant. */
const ROUTES: Record<string, string[]> = {
  '/': ['GET', 'HEAD'],
  '/authorize': ['GET'],
  '/authorize/some-uid': ['GET'],
  '/token': ['POST', 'OPTIONS'],
  '/register': ['POST', 'OPTIONS'],
  '/register/some-id': ['GET', 'PUT', 'DELETE', 'OPTIONS'],
  '/par': ['POST', 'OPTIONS'],
  '/device_authorization': ['POST', 'OPTIONS'],
  '/introspect': ['POST'],
  '/revoke': ['POST', 'OPTIONS'],
  '/jwks': ['GET', 'HEAD', 'OPTIONS'],
  '/.well-known/oauth-authorization-server': ['GET', 'HEAD', 'OPTIONS'],
  '/.well-known/openid-configuration': ['GET', 'HEAD', 'OPTIONS'],
  '/interaction/some-uid': ['GET', 'HEAD', 'POST'],
  '/sign-in': ['GET', 'HEAD', 'POST'],
  '/sign-out': ['GET', 'HEAD', 'POST'],
  '/connections': ['GET', 'HEAD'],
  '/connections/end': ['POST'],
  '/connections/end-all': ['POST'],
  '/setup/some-token': ['GET', 'HEAD', 'POST'],
  '/connections/ways-in/add': ['POST'],
  '/connections/ways-in/remove': ['POST'],
  '/connections/upstreams/end': ['POST'],
  '/connect/some-token': ['GET', 'HEAD', 'POST'],
  '/interaction/some-uid/upstream': ['GET', 'HEAD'],
  '/upstream/some-name/callback': ['GET', 'HEAD'],
  '/device': ['GET', 'HEAD', 'POST'],
  '/device/decide': ['POST'],
  '/device/allowed': ['GET', 'HEAD'],
  '/device/denied': ['GET', 'HEAD'],
  '/health': ['GET', 'HEAD'],
  '/ready': ['GET', 'HEAD'],
  '/nowhere': [],
  // what the engine could serve and we do not, and what nobody should find on a server
  '/userinfo': [],
  '/me': [],
  '/session/end': [],
  '/backchannel': [],
  '/request': [],
  '/auth': [],
  '/reg': [],
  '/token/introspection': [],
  '/token/revocation': [],
  '/metrics': [],
  '/admin': [],
  '/.env': [],
  '/package.json': [],
  '/data/cardea.db': [],
};
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'];

const send = (method: string, path: string, type = 'application/x-www-form-urlencoded') =>
  raw(server.issuer, [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    `Content-Type: ${type}`,
    'Content-Length: 0',
  ]);

describe.each(Object.entries(ROUTES))('%s', (path, meant) => {
  it.each(METHODS.filter((method) => !meant.includes(method)))('does not take %s', async (method) => {
    const before = counts(server);
    for (const type of ['application/x-www-form-urlencoded', 'application/json']) {
      const { status, head } = await send(method, path, type);
      expect([404, 405]).toContain(status);
      // RFC 9110 §15.5.6: "The origin server MUST generate an Allow header field in a 405 response"
      if (status === 405) expect(head).toMatch(/^allow: \S/im);
      expect(head).not.toMatch(/^set-cookie/im);
    }
    expect(counts(server)).toEqual(before);
  });

  it.each(meant.length > 0 ? meant : [])(
    'takes %s with nothing in it, and is not broken by it',
    async (method) => {
      const { status } = await send(method, path);
      expect(status).toBeGreaterThanOrEqual(200);
      expect(status).toBeLessThan(500);
      expect([405]).not.toContain(status);
    },
  );
});

it('CONNECT is for proxies, and we are none', async () => {
  const { status } = await raw(server.issuer, [`CONNECT ${host} HTTP/1.1`, `Host: ${host}`]).catch(() => ({
    status: 0,
  }));
  expect([0, 400, 404, 405]).toContain(status);
  expect((await fetch(`${server.issuer}/health`)).status).toBe(200);
});

it.each(['HEAD', 'POST', 'PUT', 'OPTIONS'])(
  '%s of a whole authorization request begins nothing',
  async (method) => {
    const { client_id } = await register(server);
    const before = counts(server);
    const target = authorizeUrl(server, { client_id }).slice(server.issuer.length);
    const { status, head } = await send(method, target);
    expect([404, 405]).toContain(status);
    expect(head).not.toMatch(/^set-cookie|^location/im);
    expect(counts(server)).toEqual(before);
  },
);

it('a token request in the query is refused: nothing of it is looked at', async () => {
  const { client_id } = await register(server);
  const { status, body } = await send(
    'POST',
    `/token?grant_type=authorization_code&code=x&client_id=${client_id}`,
  );
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(JSON.parse(body).error).toMatch(/^invalid_(request|client)$/);
});
