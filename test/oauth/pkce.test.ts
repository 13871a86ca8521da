// PKCE (RFC 7636, OAuth 2.1 §4.1.1): S256, for every client, and a wrong verifier costs nothing but the answer.

import { describe, expect, it } from 'vitest';
import { authorize, authorizeUrl, errorOf, get, pkce, redirectOf, register } from '../support/flow.ts';
import { alex, server } from '../support/signed-in.ts';

const { challenge } = pkce();

describe('an authorization request', () => {
  it.each([
    ['public', 'none'],
    ['confidential', 'client_secret_basic'],
  ])('of a %s client without a challenge is refused', async (_kind, token_endpoint_auth_method) => {
    const { client_id } = await register(server, { token_endpoint_auth_method });
    const params = { client_id, code_challenge: undefined, code_challenge_method: undefined };
    const answer = errorOf(redirectOf(await get(authorizeUrl(server, params))));
    expect(answer['error']).toBe('invalid_request');
    expect(answer).not.toHaveProperty('code');
  });

  it.each(['plain', 's256', 'S512', 'none'])(
    'with the method %s is refused',
    async (code_challenge_method) => {
      const { client_id } = await register(server);
      const answer = errorOf(
        redirectOf(await get(authorizeUrl(server, { client_id, code_challenge_method }))),
      );
      expect(answer['error']).toBe('invalid_request');
    },
  );

  // RFC 7636 §4.3: without a method the challenge would be plain.
  it('with a challenge and no method is refused', async () => {
    const { client_id } = await register(server);
    const params = { client_id, code_challenge_method: undefined };
    expect(errorOf(redirectOf(await get(authorizeUrl(server, params))))['error']).toBe('invalid_request');
  });

  it.each([
    ['too short', challenge.slice(1)],
    ['too long', challenge.repeat(3)],
    ['padded', `${challenge}=`],
    ['with a space', `${challenge.slice(1)} `],
    ['with a letter of another script', `${challenge.slice(1)}é`],
    ['empty', ''],
    ['repeated', [challenge, challenge]],
  ])('with a challenge that is %s is refused', async (_what, code_challenge) => {
    const { client_id } = await register(server);
    const answer = errorOf(redirectOf(await get(authorizeUrl(server, { client_id, code_challenge }))));
    expect(answer['error']).toBe('invalid_request');
  });
});

describe('a code', () => {
  it.each([
    ['a wrong verifier', 'w'.repeat(43)],
    ['no verifier', undefined],
    ['an empty verifier', ''],
    ['the challenge for a verifier', 'challenge'],
  ])('with %s is refused as invalid_grant, and is still good for the right one', async (_what, given) => {
    const { verifier, redeemWith } = await authorize(server, { by: alex });
    const code_verifier = given === 'challenge' ? pkce(verifier).challenge : given;
    const { status, body } = await redeemWith({ code_verifier });
    expect([status, body.error]).toEqual([400, 'invalid_grant']);
    expect((await redeemWith()).status).toBe(200);
  });

  it.each([
    ['too short', 'v'.repeat(42)],
    ['too long', 'v'.repeat(129)],
    ['not of the right characters', `${'v'.repeat(42)}!`],
  ])(
    'with a verifier that is %s is refused, and is still good for the right one',
    async (_what, code_verifier) => {
      const { redeemWith } = await authorize(server, { by: alex });
      const { status, body } = await redeemWith({ code_verifier });
      expect(status).toBe(400);
      expect(['invalid_grant', 'invalid_request']).toContain(body.error);
      expect((await redeemWith()).status).toBe(200);
    },
  );

  it('cannot be redeemed with the verifier of another code of the same client', async () => {
    const one = await authorize(server, { by: alex });
    const two = await authorize(server, { by: alex, client: one.client });
    expect((await one.redeemWith({ code_verifier: two.verifier })).body.error).toBe('invalid_grant');
    expect((await one.redeemWith()).status).toBe(200);
  });
});
