// RFC 9701: what a server is told of a token, signed.

import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Connected, claimsOf, connect, introspect } from '../support/flow.ts';
import { OTHER_SERVER, SERVER, type Server, startServer } from '../support/server.ts';

const TYPE = 'application/token-introspection+jwt';
let server: Server;
let connected: Connected;
beforeAll(async () => {
  server = await startServer();
  connected = await connect(server);
});
afterAll(() => server?.close());

const ask = (token: string, accept: string, { id, secret } = SERVER) =>
  fetch(`${server.issuer}/introspect`, {
    method: 'POST',
    headers: { accept, authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ token }),
  });

it('a server that asks for it gets the answer signed, for itself, and no access token could look like it', async () => {
  const { access_token: token } = connected.tokens;
  const response = await ask(token, TYPE);
  expect(response.headers.get('content-type')).toContain(TYPE);
  const keys = createRemoteJWKSet(new URL(`${server.issuer}/jwks`));
  const { payload } = await jwtVerify(await response.text(), keys, {
    issuer: server.issuer,
    audience: SERVER.id,
    typ: 'token-introspection+jwt',
  });
  expect(payload['token_introspection']).toEqual(await introspect(server, token));
  expect(payload.sub).toBeUndefined();
  expect(payload.exp).toBeUndefined();
  expect(payload.iat).toBeTypeOf('number');
});

it('the answer itself opens nothing when it is presented as a token', async () => {
  const signed = await (await ask(connected.tokens.access_token, TYPE)).text();
  expect(await introspect(server, signed)).toEqual({ active: false });
});

it('of a token that is not for it, a server is told nothing, signed or not', async () => {
  const signed = await (await ask(connected.tokens.access_token, TYPE, OTHER_SERVER)).text();
  expect(claimsOf(signed)['token_introspection']).toEqual({ active: false });
});

it.each(['*/*', 'application/json', 'application/json, application/token-introspection+jwt'])(
  'whoever asks for %s gets JSON',
  async (accept) => {
    const response = await ask(connected.tokens.access_token, accept);
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(await response.json()).toMatchObject({ active: true });
  },
);

it('who may not ask is refused in JSON', async () => {
  const response = await ask('x', TYPE, { id: SERVER.id, secret: 'wrong' });
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ error: 'invalid_client' });
});
