// Who pushes (RFC 9126 §2): a client proves itself there as at the token endpoint, by the same rules and counted
// together; and the key that it proves to hold is the one that the code is for (RFC 9449 §10.1).

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asserted, assertion, clientKey } from '../support/assertion.ts';
import { type DpopKey, dpopKey } from '../support/dpop.ts';
import { CALLBACK, type Client, claimsOf, type Params, pkce, register, search } from '../support/flow.ts';
import type { Person } from '../support/person.ts';
import { RESOURCE, SERVER, type Server, startServer } from '../support/server.ts';
import { stored } from '../support/stored.ts';

let server: Server;
let alex: Person;
let key: DpopKey;
beforeAll(async () => {
  server = await startServer({
    config: {
      limits: { sign_ins: 5, registrations: 0 },
      clients: [
        {
          id: 'tv',
          name: 'Television',
          grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
        },
      ],
    },
  });
  alex = await server.signedIn();
  key = await dpopKey();
});
afterAll(() => server.close());

const { verifier, challenge } = pkce();
const request = {
  response_type: 'code',
  redirect_uri: CALLBACK,
  resource: RESOURCE,
  scope: 'library:read',
  code_challenge: challenge,
  code_challenge_method: 'S256',
};

async function post(path: string, fields: Params, headers: Record<string, string> = {}) {
  const response = await fetch(server.issuer + path, { method: 'POST', body: search(fields), headers });
  const body = (await response.json()) as Record<string, string>;
  return { status: response.status, headers: response.headers, body };
}
const push = (fields: Params, headers: Record<string, string> = {}) =>
  post('/par', { ...request, ...fields }, headers);

const basic = (id: string, secret = ''): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});

const refusedFor = async (clientId: string) =>
  (await server.rooms.audit.latest(50)).filter(
    (event) => event.clientId === clientId && event.action === 'authorization.refused',
  );

describe('a client that pushes', () => {
  it('proves itself in its registered way, or is told how, and it is on record', async () => {
    const { client_id, client_secret } = await register(server, {
      token_endpoint_auth_method: 'client_secret_post',
    });
    expect((await push({ client_id, client_secret })).status).toBe(201);
    for (const [fields, headers] of [
      [{ client_id }, {}],
      [{ client_id, client_secret: 'wrong' }, {}],
      [{}, basic(client_id, 'wrong')],
    ] as const) {
      const answer = await push(fields, headers);
      expect([answer.status, answer.body['error']]).toEqual([401, 'invalid_client']);
      expect(answer.headers.get('www-authenticate')).toBe(
        `Basic realm="${server.issuer}", error="invalid_client"`,
      );
    }
    expect(await refusedFor(client_id)).toHaveLength(3);
  });

  it('shows one proof of itself, not two', async () => {
    const { client_id, client_secret } = await register(server, {
      token_endpoint_auth_method: 'client_secret_basic',
    });
    const { status, body } = await push({ client_id, client_secret }, basic(client_id, client_secret));
    expect([status, body['error']]).toEqual([400, 'invalid_request']);
  });

  it('has as many guesses of its secret as at the token endpoint, and not as many again', async () => {
    const { client_id } = await register(server, { token_endpoint_auth_method: 'client_secret_basic' });
    for (let guess = 0; guess < 5; guess += 1) {
      expect((await post('/token', { grant_type: 'x' }, basic(client_id, `wrong-${guess}`))).status).toBe(
        401,
      );
    }
    const { status, headers } = await push({}, basic(client_id, 'wrong-6'));
    expect([status, headers.get('retry-after')]).toEqual([429, '60']);
  });

  it('uses an assertion once, here or at the token endpoint', async () => {
    const signs = await clientKey();
    const { client_id } = await register(server, {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [signs.jwk] },
    });
    const proof = asserted(await assertion(signs, client_id, server.issuer));
    expect((await push(proof)).status).toBe(201);
    for (const again of [await push(proof), await post('/token', { grant_type: 'x', ...proof })]) {
      expect([again.status, again.body['error']]).toEqual([401, 'invalid_client']);
    }
    expect(JSON.stringify(stored(server))).not.toContain(proof['client_assertion']);
  });

  it('is one that sends people here: no MCP server, and no device', async () => {
    for (const [fields, headers] of [
      [{}, basic(SERVER.id, SERVER.secret)],
      [{ client_id: 'tv' }, {}],
    ] as const) {
      const { status, body } = await push(fields, headers);
      expect([status, body['error']]).toEqual([400, 'unauthorized_client']);
    }
  });

  it('leaves no secret behind', async () => {
    const { client_id, client_secret = '' } = await register(server, {
      token_endpoint_auth_method: 'client_secret_post',
    });
    expect((await push({ client_id, client_secret })).status).toBe(201);
    expect(JSON.stringify(stored(server))).not.toContain(client_secret);
  });

  it('cannot push more than an address could hold, nor the same parameter twice', async () => {
    const { client_id } = await register(server);
    expect((await push({ client_id, state: 'x'.repeat(20_000) })).status).toBe(413);
    const twice = await push({ client_id, redirect_uri: [CALLBACK, CALLBACK] });
    expect([twice.status, twice.body['error']]).toEqual([400, 'invalid_request']);
  });
});

describe('a request that is pushed with a DPoP proof', () => {
  const at = () => `${server.issuer}/par`;
  const proven = async (of: DpopKey, htu: string) => ({ dpop: await of.proof(htu) });

  async function coded({ client_id }: Client, fields: Params, headers: Record<string, string>) {
    const { status, body } = await push({ client_id, ...fields }, headers);
    expect([status, body['error_description']]).toEqual([201, undefined]);
    const url = `${server.issuer}/authorize?${search({ client_id, request_uri: body['request_uri'] })}`;
    const code = new URL(await alex.approve(url)).searchParams.get('code') ?? '';
    return (headers: Record<string, string>) =>
      post(
        '/token',
        {
          grant_type: 'authorization_code',
          client_id,
          code,
          code_verifier: verifier,
          redirect_uri: CALLBACK,
        },
        headers,
      );
  }

  it.each<[string, (jkt: string) => Params]>([
    ['alone', () => ({})],
    ['and with dpop_jkt', (jkt) => ({ dpop_jkt: jkt })],
  ])('gets a code for that key and no other (%s)', async (_how, fields) => {
    const redeem = await coded(await register(server), fields(key.jkt), await proven(key, at()));
    const endpoint = `${server.issuer}/token`;
    for (const headers of [{}, await proven(await dpopKey(), endpoint)]) {
      const { status, body } = await redeem(headers);
      expect([status, body['error']]).toEqual([400, 'invalid_grant']);
    }
    const { status, body } = await redeem(await proven(key, endpoint));
    expect([status, body['token_type']]).toEqual([200, 'DPoP']);
    expect(claimsOf(body['access_token'] ?? '')['cnf']).toEqual({ jkt: key.jkt });
  });

  it('binds by dpop_jkt alone as well', async () => {
    const redeem = await coded(await register(server), { dpop_jkt: key.jkt }, {});
    expect((await redeem({})).body['error']).toBe('invalid_grant');
    expect((await redeem(await proven(key, `${server.issuer}/token`))).status).toBe(200);
  });

  it('is refused where dpop_jkt says another key, or is none', async () => {
    const { client_id } = await register(server);
    const other = await push({ client_id, dpop_jkt: (await dpopKey()).jkt }, await proven(key, at()));
    expect([other.status, other.body['error']]).toEqual([400, 'invalid_dpop_proof']);
    const none = await push({ client_id, dpop_jkt: 'short' });
    expect([none.status, none.body['error']]).toEqual([400, 'invalid_request']);
  });

  it('is refused where the proof is for another endpoint, or was used', async () => {
    const { client_id } = await register(server);
    const elsewhere = await push({ client_id }, await proven(key, `${server.issuer}/token`));
    expect([elsewhere.status, elsewhere.body['error']]).toEqual([400, 'invalid_dpop_proof']);
    const used = await proven(key, at());
    expect((await push({ client_id }, used)).status).toBe(201);
    const again = await push({ client_id }, used);
    expect([again.status, again.body['error']]).toEqual([400, 'invalid_dpop_proof']);
  });

  it('is told a nonce where its clock is wrong or its nonce none of ours, and is let in with it', async () => {
    const { client_id } = await register(server);
    for (const claims of [{ iat: Math.floor(Date.now() / 1000) - 3600 }, { nonce: 'made up' }]) {
      const late = await push({ client_id }, { dpop: await key.proof(at(), claims) });
      expect([late.status, late.body['error']]).toEqual([400, 'use_dpop_nonce']);
      const nonce = late.headers.get('dpop-nonce');
      expect(nonce).toBeTruthy();
      expect(late.headers.get('access-control-expose-headers')).toContain('DPoP-Nonce');
      const again = await push({ client_id }, { dpop: await key.proof(at(), { ...claims, nonce }) });
      expect(again.status).toBe(201);
    }
  });

  it('needs a nonce where the operator demands one, which is good at the token endpoint as well', async () => {
    const before = server;
    server = await startServer({ config: { policy: { dpop_nonce: true } } });
    const signedIn = alex;
    try {
      alex = await server.signedIn();
      const client = await register(server);
      const bare = await push({ client_id: client.client_id }, await proven(key, at()));
      expect([bare.status, bare.body['error']]).toEqual([400, 'use_dpop_nonce']);
      const nonce = bare.headers.get('dpop-nonce');
      const redeem = await coded(client, {}, { dpop: await key.proof(at(), { nonce }) });
      const endpoint = `${server.issuer}/token`;
      expect((await redeem(await proven(key, endpoint))).body['error']).toBe('use_dpop_nonce');
      expect((await redeem({ dpop: await key.proof(endpoint, { nonce }) })).body['token_type']).toBe('DPoP');
      // who binds by a thumbprint alone shows no proof yet, and needs no nonce
      expect((await push({ client_id: client.client_id, dpop_jkt: key.jkt })).status).toBe(201);
    } finally {
      await server.close();
      [server, alex] = [before, signedIn];
    }
  });

  it('binds a client that proves itself as well: its code is of no use to a thief who has its secret but not the key', async () => {
    const client = await register(server, { token_endpoint_auth_method: 'client_secret_post' });
    const { client_id, client_secret } = client;
    const { body } = await push({ client_id, client_secret }, await proven(key, at()));
    const url = `${server.issuer}/authorize?${search({ client_id, request_uri: body['request_uri'] })}`;
    const code = new URL(await alex.approve(url)).searchParams.get('code') ?? '';
    const fields = { grant_type: 'authorization_code', client_id, client_secret, code_verifier: verifier };
    const redeem = (headers: Record<string, string>) => post('/token', { ...fields, code }, headers);
    const endpoint = `${server.issuer}/token`;
    for (const headers of [{}, await proven(await dpopKey(), endpoint)]) {
      expect((await redeem(headers)).body['error']).toBe('invalid_grant');
    }
    expect((await redeem(await proven(key, endpoint))).body['token_type']).toBe('DPoP');
  });

  it('leaves its proof used up though it was refused, and a stranger’s is not even remembered', async () => {
    const { client_id } = await register(server);
    const proof = await proven(key, at());
    const refused = await push({ client_id, response_type: 'token' }, proof);
    expect(refused.body['error']).toBe('unsupported_response_type');
    expect((await push({ client_id }, proof)).body['error']).toBe('invalid_dpop_proof');
    const mine = await proven(key, at());
    expect((await push({ client_id: 'nobody' }, mine)).body['error']).toBe('invalid_client');
    expect((await push({ client_id }, mine)).status).toBe(201);
  });

  it('is not undone by another dpop_jkt in the address', async () => {
    const { client_id } = await register(server);
    const { body } = await push({ client_id }, await proven(key, at()));
    const thief = await dpopKey();
    const query = search({ client_id, request_uri: body['request_uri'], dpop_jkt: thief.jkt });
    const code = new URL(await alex.approve(`${server.issuer}/authorize?${query}`)).searchParams.get('code');
    const fields = { grant_type: 'authorization_code', client_id, code_verifier: verifier };
    const answer = await post(
      '/token',
      { ...fields, code: code ?? '', redirect_uri: CALLBACK },
      await proven(thief, `${server.issuer}/token`),
    );
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_grant']);
  });
});

it('a thumbprint in the address that is none is refused at the authorization endpoint', async () => {
  const { client_id } = await register(server);
  const url = `${server.issuer}/authorize?${search({ ...request, client_id, dpop_jkt: 'x' })}`;
  const location = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? '';
  expect(new URL(location).searchParams.get('error')).toBe('invalid_request');
});
