// Revocation (RFC 7009): a client hands back what it was given, and learns nothing about what was not its own.

import { describe, expect, it } from 'vitest';
import { connect, introspect, register } from '../support/flow.ts';
import { OTHER_RESOURCE, OTHER_SERVER } from '../support/server.ts';
import { alex, server } from '../support/signed-in.ts';

const revoke = (token: string, client_id: string, more: Record<string, string> = {}) =>
  server.post('/revoke', { token, client_id, ...more });

describe('a refresh token that is handed back', () => {
  it.each([undefined, 'refresh_token', 'access_token', 'nonsense'])(
    'ends its family (hint %s)',
    async (hint) => {
      const { tokens, client, refresh } = await connect(server, { by: alex });
      const { status, headers } = await revoke(
        tokens.refresh_token,
        client.client_id,
        hint ? { token_type_hint: hint } : {},
      );
      expect(status).toBe(200);
      expect(headers.get('cache-control')).toBe('no-store');
      expect((await refresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
      expect(await introspect(server, tokens.access_token)).toEqual({ active: false });
    },
  );

  it('ends no other installation of the same client, and not the decision', async () => {
    const other = await connect(server, { by: alex });
    const { tokens, client } = await connect(server, { by: alex, client: other.client });
    await revoke(tokens.refresh_token, client.client_id);
    expect((await introspect(server, other.tokens.access_token)).active).toBe(true);
    expect((await other.refresh(other.tokens.refresh_token)).status).toBe(200);
  });

  it('ends its family also when it had been used already', async () => {
    const { tokens, client, refresh } = await connect(server, { by: alex });
    const { body } = await refresh(tokens.refresh_token);
    expect((await revoke(tokens.refresh_token, client.client_id)).status).toBe(200);
    expect((await refresh(body.refresh_token)).body.error).toBe('invalid_grant');
  });

  it('may be handed back twice', async () => {
    const { tokens, client } = await connect(server, { by: alex });
    await revoke(tokens.refresh_token, client.client_id);
    expect((await revoke(tokens.refresh_token, client.client_id)).status).toBe(200);
  });
});

describe('an access token that is handed back', () => {
  it.each([
    ['JWT', undefined, undefined],
    ['opaque', { resource: OTHER_RESOURCE, scope: 'other:use' }, OTHER_SERVER],
  ])('ends alone: the connection goes on (%s)', async (_format, params, as) => {
    const { tokens, client, refresh } = await connect(server, { by: alex, ...(params && { params }) });
    expect((await revoke(tokens.access_token, client.client_id)).status).toBe(200);
    expect(await introspect(server, tokens.access_token, as)).toEqual({ active: false });
    const { status, body } = await refresh(tokens.refresh_token);
    expect(status).toBe(200);
    expect((await introspect(server, body.access_token, as)).active).toBe(true);
  });
});

describe('what is not a token of this client', () => {
  it.each(['nonsense', 'a.b.c', 'x'.repeat(5000), '\u0000'])('is answered with 200: %.20j', async (token) => {
    const { client_id } = await register(server);
    expect((await revoke(token, client_id)).status).toBe(200);
  });

  it('stays as it is', async () => {
    const { tokens, refresh } = await connect(server, { by: alex });
    const evil = await register(server);
    const confidential = await register(server, { token_endpoint_auth_method: 'client_secret_basic' });
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      expect((await revoke(token, evil.client_id)).status).toBeLessThan(500);
      const secret = { id: confidential.client_id, secret: confidential.client_secret ?? '' };
      expect((await server.post('/revoke', { token }, secret)).status).toBeLessThan(500);
    }
    expect((await introspect(server, tokens.access_token)).active).toBe(true);
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });
});

describe('a revocation is refused', () => {
  it('without a token', async () => {
    const { client_id } = await register(server);
    const { status, body } = await server.post('/revoke', { client_id });
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });

  it('by a client that is not known, or does not authenticate as it should', async () => {
    const { tokens, client, refresh } = await connect(server, {
      by: alex,
      metadata: { token_endpoint_auth_method: 'client_secret_basic' },
    });
    const answers = [
      await server.post('/revoke', { token: tokens.refresh_token }),
      await revoke(tokens.refresh_token, 'nobody'),
      await revoke(tokens.refresh_token, client.client_id),
      await server.post(
        '/revoke',
        { token: tokens.refresh_token },
        { id: client.client_id, secret: 'wrong' },
      ),
    ];
    for (const { status, body } of answers) {
      expect([400, 401]).toContain(status);
      expect(['invalid_client', 'invalid_request']).toContain(body.error);
    }
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });
});
