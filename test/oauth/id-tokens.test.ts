// The id_token (OpenID Connect Core §2, §3.1.3.3): for a client that asked for `openid`, and with nothing of the person
// but who it is. THREATS F32.

import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { expect, it } from 'vitest';
import { connect, introspect, type Wish } from '../support/flow.ts';
import { alex, server } from '../support/signed-in.ts';

async function identified(params: Wish['params'] = {}) {
  const connected = await connect(server, {
    by: alex,
    params: { scope: 'openid library:read', ...params },
  });
  const { id_token: idToken } = connected.tokens as unknown as { id_token: string };
  return { ...connected, idToken };
}

const verified = (idToken: string, audience: string) =>
  jwtVerify(idToken, createRemoteJWKSet(new URL(`${server.issuer}/jwks`)), {
    issuer: server.issuer,
    audience,
    algorithms: ['ES256'],
  });

it('says who, for which client, when they signed in, and what the client sent along', async () => {
  const { idToken, client } = await identified({ nonce: 'n-0S6_WzA2Mj' });
  const { payload } = await verified(idToken, client.client_id);
  expect(payload).toEqual({
    iss: server.issuer,
    sub: server.account.id,
    aud: client.client_id,
    iat: expect.any(Number),
    exp: expect.any(Number),
    auth_time: expect.any(Number),
    nonce: 'n-0S6_WzA2Mj',
    at_hash: expect.stringMatching(/^[\w-]{22}$/),
  });
  expect(payload['auth_time']).toBeLessThanOrEqual(Number(payload.iat));
});

it('is there only where it was asked for', async () => {
  const { tokens } = await connect(server, { by: alex });
  expect(tokens).not.toHaveProperty('id_token');
});

it('comes again with a refresh, for the same person and sign-in, without the nonce of before', async () => {
  const { idToken, client, tokens, refresh } = await identified({ nonce: 'once' });
  const { body } = await refresh(tokens.refresh_token);
  const before = (await verified(idToken, client.client_id)).payload;
  const { payload } = await verified(body.id_token, client.client_id);
  for (const claim of ['iss', 'sub', 'aud', 'auth_time'])
    expect([claim, payload[claim]]).toEqual([claim, before[claim]]);
  expect(payload).not.toHaveProperty('nonce');
});

it('is no access token, and no access token is one', async () => {
  const { idToken, tokens, client } = await identified();
  expect(await introspect(server, idToken)).toEqual({ active: false });
  expect(decodeProtectedHeader(idToken).typ).toBeUndefined();
  const revoked = await server.post('/revoke', { token: idToken, client_id: client.client_id });
  expect(revoked.status).toBe(200);
  expect((await introspect(server, tokens.access_token)).active).toBe(true);
  expect((await server.post('/token', { grant_type: 'refresh_token', refresh_token: idToken })).status).toBe(
    400,
  );
  await expect(verified(tokens.access_token, client.client_id)).rejects.toThrow();
});

it('of a scope that narrows nothing: openid beside the resource’s own is not told as its scope', async () => {
  const { tokens, refresh } = await identified();
  expect(tokens.scope).toBe('library:read');
  const { status, body } = await refresh(tokens.refresh_token, { scope: 'openid' });
  expect([status, body.scope]).toEqual([200, 'library:read']);
});
