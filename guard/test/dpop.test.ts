import { createHash, randomUUID } from 'node:crypto';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FakeIssuer, fakeIssuer } from './fake-issuer.ts';
import { call, challengeOf, type Protected, protectedServer } from './protected-server.ts';

type Keys = { privateKey: CryptoKey; jwk: JWK; jkt: string; alg: string };

async function keys(alg = 'ES256'): Promise<Keys> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return { privateKey, jwk, jkt: await calculateJwkThumbprint(jwk), alg };
}

const athOf = (token: string): string => createHash('sha256').update(token).digest('base64url');
const seconds = () => Math.floor(Date.now() / 1000);

let issuer: FakeIssuer;
let server: Protected;
let holder: Keys;
const servers: Protected[] = [];

async function start(options: Parameters<typeof protectedServer>[1] = {}): Promise<Protected> {
  const started = await protectedServer(issuer, options);
  servers.push(started);
  return started;
}

beforeEach(async () => {
  issuer = await fakeIssuer();
  server = await start();
  holder = await keys();
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((each) => each.close()));
  await issuer.close();
});

const bound = (to = server, jkt = holder.jkt) => issuer.token(to.resource, { cnf: { jkt } });

/** A good proof for a POST to the resource with this token, except for what is said. */
const proof = (token: string, claims: object = {}, header: object = {}, key = holder, to = server) =>
  new SignJWT({
    jti: randomUUID(),
    iat: seconds(),
    htm: 'POST',
    htu: to.resource,
    ath: athOf(token),
    ...claims,
  })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: key.alg, jwk: key.jwk, ...header })
    .sign(key.privateKey);

const send = (
  token: string,
  headers: Record<string, string> | [string, string][],
  to = server,
  message: object = { jsonrpc: '2.0', id: 1, method: 'ping' },
) =>
  fetch(`${to.origin}/mcp`, {
    method: 'POST',
    headers: [
      ['content-type', 'application/json'],
      ['authorization', `DPoP ${token}`],
      ...(Array.isArray(headers) ? headers : Object.entries(headers)),
    ],
    body: JSON.stringify(message),
  });

async function refused(response: Response, reason: string, error: string, at = server): Promise<void> {
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toMatch(/^DPoP /);
  expect(challengeOf(response)).toMatchObject({ error, algs: expect.stringContaining('ES256') });
  expect(at.refusals.at(-1)?.reason).toBe(reason);
  expect(at.reached).toHaveLength(0);
}

test.each(['ES256', 'EdDSA', 'PS256', 'RS256'])(
  'a bound token with a proof of its %s key passes',
  async (alg) => {
    holder = await keys(alg);
    const token = await bound();
    expect((await send(token, { dpop: await proof(token) })).status).toBe(200);
  },
);

test('a bound token sent as Bearer is refused, with a challenge that says how to send it', async () => {
  await refused(await server.post(await bound()), 'bound_as_bearer', 'invalid_token');
});

test('a bound token without a proof is refused', async () => {
  await refused(await send(await bound(), {}), 'bad_proof', 'invalid_dpop_proof');
});

test('a token that is not bound is no DPoP token', async () => {
  const token = await issuer.token(server.resource);
  await refused(await send(token, { dpop: await proof(token) }), 'not_bound', 'invalid_token');
});

test("a thief's own key does not open a stolen token", async () => {
  const token = await bound();
  await refused(
    await send(token, { dpop: await proof(token, {}, {}, await keys()) }),
    'wrong_key',
    'invalid_token',
  );
});

test('a token bound to a certificate, or to nothing that can be read, is refused and not taken for unbound', async () => {
  for (const cnf of [
    { 'x5t#S256': 'abc' },
    { jkt: holder.jkt, 'x5t#S256': 'abc' },
    { jkt: 7 },
    'jkt',
    null,
  ]) {
    const token = await issuer.token(server.resource, { cnf });
    expect((await server.post(token)).status).toBe(401);
    expect((await send(token, { dpop: await proof(token) })).status).toBe(401);
  }
  expect(server.reached).toHaveLength(0);
});

describe('a proof is refused', () => {
  test.each<[string, object]>([
    ['for another method', { htm: 'GET' }],
    ['for the method in small letters', { htm: 'post' }],
    ['for another server', { htu: 'https://other.example/mcp' }],
    ['for another path', { htu: 'http://127.0.0.1/other' }],
    ['for no address', { htu: undefined }],
    ['for another token', { ath: athOf('another') }],
    ['for no token', { ath: undefined }],
    ['without jti', { jti: undefined }],
    ['with a jti that is no text', { jti: 7 }],
    ['without iat', { iat: undefined }],
    ['of ten minutes ago', { iat: seconds() - 600 }],
    ['of ten minutes from now', { iat: seconds() + 600 }],
  ])('%s', async (_name, claims) => {
    const token = await bound();
    await refused(await send(token, { dpop: await proof(token, claims) }), 'bad_proof', 'invalid_dpop_proof');
  });

  test.each<[string, () => Promise<object>]>([
    ['of another type', async () => ({ typ: 'JWT' })],
    ['without a key', async () => ({ jwk: undefined })],
    ['that shows its private key', async () => ({ jwk: await exportJWK(holder.privateKey) })],
    ['with a secret for a key', async () => ({ jwk: { kty: 'oct', k: 'c2VjcmV0' } })],
    ['with a key that did not sign it', async () => ({ jwk: (await keys()).jwk })],
  ])('%s', async (_name, header) => {
    const token = await bound();
    const dpop = await proof(token, {}, await header());
    await refused(await send(token, { dpop }), 'bad_proof', 'invalid_dpop_proof');
  });

  test('when it is sent twice in one request, or is no JWT', async () => {
    const token = await bound();
    const twice: [string, string][] = [
      ['dpop', await proof(token)],
      ['dpop', await proof(token)],
    ];
    await refused(await send(token, twice), 'bad_proof', 'invalid_dpop_proof');
    await refused(await send(token, { dpop: 'a.b.c' }), 'bad_proof', 'invalid_dpop_proof');
  });
});

test('a proof is good for one request, whoever sends it again', async () => {
  const token = await bound();
  const dpop = await proof(token);
  const statuses = await Promise.all([1, 2, 3, 4].map(async () => (await send(token, { dpop })).status));
  expect(statuses.sort()).toEqual([200, 401, 401, 401]);
  expect((await send(token, { dpop })).status).toBe(401);
});

test('replicas that share a store take a proof once', async () => {
  const used = new Set<string>();
  const seen = (id: string) => !used.has(id) && !!used.add(id);
  const resource = 'https://library.example.com/mcp';
  const [one, two] = [await start({ resource, dpop: { seen } }), await start({ resource, dpop: { seen } })];
  const token = await bound(one);
  const dpop = await proof(token, {}, {}, holder, one);
  expect((await send(token, { dpop }, one)).status).toBe(200);
  expect((await send(token, { dpop }, two)).status).toBe(401);
});

test('behind a proxy the address is the one that clients know, never the Host', async () => {
  const proxied = await start({ resource: 'https://library.example.com/mcp' });
  const token = await bound(proxied);
  expect((await send(token, { dpop: await proof(token, {}, {}, holder, proxied) }, proxied)).status).toBe(
    200,
  );
  const inner = await proof(token, { htu: `${proxied.origin}/mcp` });
  expect((await send(token, { dpop: inner }, proxied)).status).toBe(401);
});

test("below the resource the address is the request's own, at the origin that clients know", async () => {
  const proxied = await start({ resource: 'https://library.example.com/mcp' });
  const token = await bound(proxied);
  const ask = async (htu: string) => {
    const headers = { authorization: `DPoP ${token}`, dpop: await proof(token, { htu, htm: 'GET' }) };
    return (await fetch(`${proxied.origin}/mcp/stream?of=1`, { headers })).status;
  };
  expect(await ask('https://library.example.com/mcp/stream')).toBe(200);
  expect(await ask('https://library.example.com/mcp/other')).toBe(401);
  expect(await ask('https://other.example.com/mcp/stream')).toBe(401);
  expect(await ask(`${proxied.origin}/mcp/stream`)).toBe(401);
});

test('a query in either address does not count', async () => {
  const token = await bound();
  const dpop = await proof(token, { htu: `${server.resource}?a=1#b` });
  expect((await send(token, { dpop })).status).toBe(200);
});

test('an opaque token is bound by what introspection says', async () => {
  const asking = await start({ introspection: { id: 'library-server', secret: 's&cret' } });
  const answer = { active: true, aud: asking.resource, sub: 'alice', client_id: 'c', scope: 'library:read' };
  issuer.state.live.set('opaque', { ...answer, exp: seconds() + 600, cnf: { jkt: holder.jkt } });
  await refused(await asking.post('opaque'), 'bound_as_bearer', 'invalid_token', asking);
  const dpop = await proof('opaque', {}, {}, holder, asking);
  expect((await send('opaque', { dpop }, asking)).status).toBe(200);
});

test('a tool that is not allowed is refused in the scheme that the token came with', async () => {
  const token = await issuer.token(server.resource, { cnf: { jkt: holder.jkt }, scope: 'library:read' });
  const response = await send(token, { dpop: await proof(token) }, server, call('add_book'));
  expect(response.status).toBe(403);
  expect(response.headers.get('www-authenticate')).toMatch(/^DPoP error="insufficient_scope"/);
});

test('where binding is required, the metadata says so and a plain token is refused', async () => {
  const strict = await start({ dpop: { required: true } });
  expect(strict.guard.metadata()).toMatchObject({
    dpop_bound_access_tokens_required: true,
    dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']),
  });
  expect((await strict.post(undefined)).headers.get('www-authenticate')).toMatch(/^DPoP /);
  await refused(await strict.post(await issuer.token(strict.resource)), 'not_bound', 'invalid_token', strict);
});

test('where binding is offered, a client without a token hears of both schemes, Bearer first', async () => {
  const offering = await start({ dpop: {} });
  expect((await offering.post(undefined)).headers.get('www-authenticate')).toMatch(
    /^Bearer .*, DPoP algs="ES256/,
  );
  expect((await offering.post(await issuer.token(offering.resource))).status).toBe(200);
});

describe('where nonces are demanded', () => {
  const dpop = { nonceSecret: 'a secret of at least thirty-two characters' };

  test('a proof without one gets one, and passes with it', async () => {
    const careful = await start({ dpop });
    const token = await bound(careful);
    const first = await send(token, { dpop: await proof(token, {}, {}, holder, careful) }, careful);
    await refused(first, 'nonce_needed', 'use_dpop_nonce', careful);
    const nonce = first.headers.get('dpop-nonce');
    expect(nonce).toBeTruthy();
    // A client whose clock is wrong may go by ours.
    const again = await proof(token, { nonce, iat: seconds() - 3600 }, {}, holder, careful);
    expect((await send(token, { dpop: again }, careful)).status).toBe(200);
  });

  test.each([
    ['of another server', 'x'.repeat(43)],
    ['that is too short', 'x'],
    ['that is no text', 7],
  ])('a nonce %s is refused', async (_name, nonce) => {
    const careful = await start({ dpop });
    const token = await bound(careful);
    const response = await send(token, { dpop: await proof(token, { nonce }, {}, holder, careful) }, careful);
    await refused(response, 'nonce_needed', 'use_dpop_nonce', careful);
  });

  test('a short secret is refused when the server starts', async () => {
    await expect(start({ dpop: { nonceSecret: 'short' } })).rejects.toThrow(/32 characters/);
  });
});
