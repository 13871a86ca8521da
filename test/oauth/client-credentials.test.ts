// RFC 6749 §4.4: a program that acts for itself, within what its operator allowed. THREATS B17.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { dpopKey } from '../support/dpop.ts';
import { claimsOf, durably, introspect, register } from '../support/flow.ts';
import { OTHER_RESOURCE, OTHER_SERVER, RESOURCE, type Server, startServer } from '../support/server.ts';

const robot = { id: 'robot', secret: 'a-secret-of-the-robot-client-000001' };
const wide = { id: 'wide', secret: 'a-secret-of-the-wide-client-0000001' };

let server: Server;
beforeAll(async () => {
  const grant_types = ['client_credentials'];
  const library = { uri: RESOURCE, scopes: ['library:read'] };
  server = await startServer({
    config: {
      clients: [
        { ...robot, name: 'Robot', grant_types, resources: [library] },
        {
          ...wide,
          name: 'Wide',
          grant_types,
          resources: [library, { uri: OTHER_RESOURCE, scopes: ['other:use'] }],
        },
        {
          id: 'people',
          name: 'People',
          secret: 'a-secret-of-the-people-client-00001',
          redirect_uris: ['http://127.0.0.1/callback'],
        },
      ],
    },
  });
});
afterAll(() => server?.close());

const ask = (as = robot, fields: Record<string, string> = {}) =>
  server.post('/token', { grant_type: 'client_credentials', ...fields }, as);

it('a declared client gets a token for itself, and no refresh token', async () => {
  const { status, body } = await ask();
  expect(status).toBe(200);
  expect(body).toMatchObject({ token_type: 'Bearer', scope: 'library:read' });
  expect(body).not.toHaveProperty('refresh_token');
  const claims = claimsOf(body.access_token);
  expect(claims).toMatchObject({ sub: 'robot', client_id: 'robot', aud: RESOURCE });
  for (const name of ['grant_id', 'family_id', 'account_id']) expect(claims).not.toHaveProperty(name);
});

it('introspection says what it may do: every tool of its scopes', async () => {
  const { body } = await ask();
  expect(await introspect(server, body.access_token)).toMatchObject({
    active: true,
    sub: 'robot',
    scope: 'library:read',
    tools: { 'library:read': ['search_books', 'list_loans'] },
  });
  expect(await introspect(server, body.access_token, OTHER_SERVER)).toEqual({ active: false });
});

it('an opaque token of its own is known as well', async () => {
  const { body } = await ask(wide, { resource: OTHER_RESOURCE });
  expect(await introspect(server, body.access_token, OTHER_SERVER)).toMatchObject({
    active: true,
    sub: 'wide',
  });
});

it('a scope beyond the ceiling is left out, and one alone is refused', async () => {
  expect((await ask(robot, { scope: 'library:read library:write' })).body.scope).toBe('library:read');
  const { status, body } = await ask(robot, { scope: 'library:write' });
  expect([status, body.error]).toEqual([400, 'invalid_scope']);
});

it('a resource beyond the ceiling is refused, and one must be named where there are several', async () => {
  expect((await ask(robot, { resource: OTHER_RESOURCE })).body.error).toBe('invalid_target');
  expect((await ask(robot, { resource: 'https://nowhere.example/mcp' })).body.error).toBe('invalid_target');
  expect((await ask(wide)).body.error).toBe('invalid_target');
  expect((await ask(wide, { resource: RESOURCE })).status).toBe(200);
});

it('only a client that an operator entered for it may: not one for people, and never one that registered itself', async () => {
  const people = { id: 'people', secret: 'a-secret-of-the-people-client-00001' };
  expect((await ask(people)).body.error).toBe('unauthorized_client');
  const registered = await register(server, {
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code', 'client_credentials'],
    ceiling: [{ resource: RESOURCE, scopes: ['library:read'] }],
  });
  const as = { id: registered.client_id, secret: String(registered.client_secret) };
  const { status, body } = await ask(as);
  expect([status, body.error]).toEqual([400, 'unauthorized_client']);
});

it('a wrong secret, none, and an MCP server get nothing', async () => {
  expect((await ask({ ...robot, secret: 'wrong' })).status).toBe(401);
  const bare = await server.post('/token', { grant_type: 'client_credentials', client_id: 'robot' });
  expect(bare.status).toBe(401);
  expect((await ask(OTHER_SERVER)).body.error).toBe('unauthorized_client');
});

it('it revokes its own token, and nobody else can', async () => {
  const { body } = await ask();
  await server.post('/revoke', { token: body.access_token }, wide);
  expect(await introspect(server, body.access_token)).toMatchObject({ active: true });
  expect((await server.post('/revoke', { token: body.access_token }, robot)).status).toBe(200);
  expect(await introspect(server, body.access_token)).toEqual({ active: false });
});

it('its token is bound to the key of a proof', async () => {
  const key = await dpopKey();
  const response = await fetch(`${server.issuer}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${robot.id}:${robot.secret}`).toString('base64')}`,
      dpop: await key.proof(`${server.issuer}/token`),
    },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const body = (await response.json()) as { token_type: string; access_token: string };
  expect(body.token_type).toBe('DPoP');
  expect(await introspect(server, body.access_token)).toMatchObject({ cnf: { jkt: key.jkt } });
});

it('it is on record, and ends the moment the client is disabled', async () => {
  const { body } = await ask();
  const [record] = await server.rooms.audit.latest(1);
  expect(record).toMatchObject({ action: 'token.issued', clientId: 'robot', accountId: null });
  await durably(server, (work) => server.rooms.clients.setDisabled(work, 'robot', true));
  expect(await introspect(server, body.access_token)).toEqual({ active: false });
  expect((await ask()).status).toBe(401);
});
