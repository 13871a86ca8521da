// Introspection (RFC 7662): the server that a token was made for learns what is true now; nobody else learns anything.

import { describe, expect, it } from 'vitest';
import { claimsOf, connect, durably, grantOf, introspect, register, type Secret } from '../support/flow.ts';
import { later } from '../support/later.ts';
import { OTHER_RESOURCE, OTHER_SERVER, RESOURCE, SERVER } from '../support/server.ts';
import { alex, server } from '../support/signed-in.ts';

const opaque = { params: { resource: OTHER_RESOURCE, scope: 'other:use' } };
const INACTIVE = { active: false };

describe('a live token', () => {
  it('that is a JWT is told with everything that a server needs', async () => {
    const { tokens, client } = await connect(server, { by: alex, untick: ['remove_book'] });
    const claims = claimsOf(tokens.access_token);
    const { status, headers, body } = await server.post(
      '/introspect',
      { token: tokens.access_token },
      SERVER,
    );
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(body).toEqual({
      active: true,
      scope: 'library:read library:write',
      client_id: client.client_id,
      sub: server.account.id,
      aud: RESOURCE,
      iss: server.issuer,
      exp: claims['exp'],
      iat: claims['iat'],
      jti: claims['jti'],
      token_type: 'Bearer',
      grant_id: claims['grant_id'],
      grant_version: 1,
      tools: { 'library:read': ['search_books', 'list_loans'], 'library:write': ['add_book'] },
    });
  });

  it('that is opaque is told in the same way', async () => {
    const { tokens, client } = await connect(server, { by: alex, ...opaque });
    expect(await introspect(server, tokens.access_token, OTHER_SERVER)).toEqual({
      active: true,
      scope: 'other:use',
      client_id: client.client_id,
      sub: server.account.id,
      aud: OTHER_RESOURCE,
      iss: server.issuer,
      exp: expect.any(Number),
      iat: expect.any(Number),
      jti: expect.any(String),
      token_type: 'Bearer',
      grant_id: expect.any(String),
      grant_version: 1,
      tools: {},
    });
  });

  it('has its tools told even when all were allowed', async () => {
    const { tokens } = await connect(server, { by: alex, params: { scope: 'library:read' } });
    const { tools } = await introspect(server, tokens.access_token);
    expect(tools).toEqual({ 'library:read': ['search_books', 'list_loans'] });
  });

  it.each(['access_token', 'refresh_token', 'nonsense'])(
    'is found with the hint %s',
    async (token_type_hint) => {
      const { tokens } = await connect(server, { by: alex });
      const { body } = await server.post(
        '/introspect',
        { token: tokens.access_token, token_type_hint },
        SERVER,
      );
      expect(body.active).toBe(true);
    },
  );
});

describe('a token is inactive', () => {
  it('to the server of another resource', async () => {
    const { tokens } = await connect(server, { by: alex });
    expect(await introspect(server, tokens.access_token, OTHER_SERVER)).toEqual(INACTIVE);
  });

  it('when it is a refresh token', async () => {
    const { tokens } = await connect(server, { by: alex });
    for (const token_type_hint of ['refresh_token', 'access_token']) {
      const { body } = await server.post(
        '/introspect',
        { token: tokens.refresh_token, token_type_hint },
        SERVER,
      );
      expect(body).toEqual(INACTIVE);
    }
  });

  it('when it has run out, JWT or opaque', async () => {
    const jwt = await connect(server, { by: alex });
    const other = await connect(server, { by: alex, ...opaque });
    // also one that was good when it was asked about before
    expect((await introspect(server, jwt.tokens.access_token)).active).toBe(true);
    expect((await introspect(server, other.tokens.access_token, OTHER_SERVER)).active).toBe(true);
    later(601_000);
    expect(await introspect(server, jwt.tokens.access_token)).toEqual(INACTIVE);
    expect(await introspect(server, other.tokens.access_token, OTHER_SERVER)).toEqual(INACTIVE);
  });

  it('when one letter of its signature or its claims is another', async () => {
    const { tokens } = await connect(server, { by: alex });
    const [head = '', body = '', signature = ''] = tokens.access_token.split('.');
    const claims = { ...claimsOf(tokens.access_token), scope: 'library:read library:write admin' };
    const flipped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
    for (const token of [
      `${head}.${body}.${flipped}`,
      `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`,
      `${none}.${body}.`,
      `${head}.${body}.`,
      `${head}.${body}`,
    ]) {
      expect(await introspect(server, token)).toEqual(INACTIVE);
    }
  });

  it.each(['nonsense', 'a.b.c', '..', 'x'.repeat(20_000), '\u0000', 'é', '__proto__', 'presented-1'])(
    'when it is garbage: %.20j',
    async (token) => {
      expect(await introspect(server, token)).toEqual(INACTIVE);
    },
  );
});

describe('the answer is what holds now', () => {
  it('after the grant was ended', async () => {
    const { tokens } = await connect(server, { by: alex });
    await durably(server, (work) => server.rooms.grants.end(work, grantOf(tokens.access_token), 'a test'));
    expect(await introspect(server, tokens.access_token)).toEqual(INACTIVE);
  });

  it('after the person ended it on their page', async () => {
    const { tokens } = await connect(server, { by: alex });
    const page = await alex.visit(`${server.issuer}/connections`);
    const id = grantOf(tokens.access_token);
    await alex.send(page, (form) =>
      form.controls.some(({ name, value }) => name === 'grant' && value === id),
    );
    expect(await introspect(server, tokens.access_token)).toEqual(INACTIVE);
  });

  it('after the person took tools away: fewer tools, fewer scopes, another version', async () => {
    const { tokens, client } = await connect(server, { by: alex });
    await connect(server, { by: alex, client, untick: ['list_loans', 'add_book', 'remove_book'] });
    expect(await introspect(server, tokens.access_token)).toMatchObject({
      active: true,
      scope: 'library:read',
      grant_version: 2,
      tools: { 'library:read': ['search_books'] },
    });
  });

  it('and never more than the token itself was given', async () => {
    const { tokens, client } = await connect(server, { by: alex, params: { scope: 'library:read' } });
    await connect(server, { by: alex, client });
    const { scope, tools } = await introspect(server, tokens.access_token);
    expect([scope, Object.keys(tools)]).toEqual(['library:read', ['library:read']]);
  });

  it('after every scope of the token was taken away', async () => {
    const { tokens, client } = await connect(server, { by: alex, params: { scope: 'library:write' } });
    await connect(server, { by: alex, client, untick: ['add_book', 'remove_book'] });
    expect(await introspect(server, tokens.access_token)).toEqual(INACTIVE);
  });

  it('while the account is disabled', async () => {
    const { tokens } = await connect(server, { by: alex });
    await durably(server, (work) => server.rooms.accounts.setDisabled(work, 'alex', true));
    expect(await introspect(server, tokens.access_token)).toEqual(INACTIVE);
    await durably(server, (work) => server.rooms.accounts.setDisabled(work, 'alex', false));
    expect((await introspect(server, tokens.access_token)).active).toBe(true);
  });

  it.each([['JWT', {}, SERVER] as const, ['opaque', opaque, OTHER_SERVER] as const])(
    'while the client is disabled, and once it is gone (%s)',
    async (_format, wish, as: Secret) => {
      const { tokens, client } = await connect(server, { by: alex, ...wish });
      const { clients } = server.rooms;
      await durably(server, (work) => clients.setDisabled(work, client.client_id, true));
      expect(await introspect(server, tokens.access_token, as)).toEqual(INACTIVE);
      await durably(server, (work) => clients.setDisabled(work, client.client_id, false));
      expect((await introspect(server, tokens.access_token, as)).active).toBe(true);
      await durably(server, (work) => clients.remove(work, client.client_id));
      expect(await introspect(server, tokens.access_token, as)).toEqual(INACTIVE);
    },
  );
});

describe('a caller is refused', () => {
  it('that shows no secret, a wrong one, or the secret of another server', async () => {
    const { tokens } = await connect(server, { by: alex });
    const token = tokens.access_token;
    for (const as of [
      undefined,
      { id: SERVER.id, secret: 'wrong' },
      { id: SERVER.id, secret: '' },
      { id: SERVER.id, secret: OTHER_SERVER.secret },
      { id: 'nobody', secret: SERVER.secret },
    ]) {
      const { status, body } = await server.post('/introspect', { token }, as);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(['invalid_client', 'invalid_request']).toContain(body.error);
      expect(body).not.toHaveProperty('active');
    }
  });

  it('that is a client, even the one that the token was given to', async () => {
    const metadata = { token_endpoint_auth_method: 'client_secret_basic' };
    const { tokens, client } = await connect(server, { by: alex, metadata });
    const stranger = await register(server, metadata);
    for (const { client_id, client_secret = '' } of [client, stranger]) {
      for (const token of [tokens.access_token, tokens.refresh_token]) {
        const { body } = await server.post(
          '/introspect',
          { token },
          { id: client_id, secret: client_secret },
        );
        expect(body.active ?? false).toBe(false);
        expect(body).not.toHaveProperty('sub');
      }
    }
    const { client_id } = await register(server);
    const { body } = await server.post('/introspect', { token: tokens.access_token, client_id });
    expect(body.active ?? false).toBe(false);
  });

  it('that asks about nothing', async () => {
    const { status, body } = await server.post('/introspect', {}, SERVER);
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });
});

it('a server that introspects can do nothing else', async () => {
  const answers = [
    await server.post('/token', { grant_type: 'client_credentials', resource: RESOURCE }, SERVER),
    await server.post(
      '/token',
      { grant_type: 'authorization_code', code: 'x', redirect_uri: 'https://x.example/' },
      SERVER,
    ),
    await server.post('/token', { grant_type: 'refresh_token', refresh_token: 'x' }, SERVER),
  ];
  for (const { status, body } of answers) {
    expect(status).toBe(400);
    expect(body).not.toHaveProperty('access_token');
  }
  const { tokens } = await connect(server, { by: alex });
  await server.post('/revoke', { token: tokens.access_token }, SERVER);
  expect((await introspect(server, tokens.access_token)).active).toBe(true);
});
