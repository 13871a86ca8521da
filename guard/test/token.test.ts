import { type CryptoKey, exportSPKI, importJWK, SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FakeIssuer, fakeIssuer, signingKey } from './fake-issuer.ts';
import { challengeOf, type Protected, protectedServer } from './protected-server.ts';

let issuer: FakeIssuer;
let server: Protected;

beforeEach(async () => {
  issuer = await fakeIssuer();
  server = await protectedServer(issuer);
});
afterEach(async () => {
  await server.close();
  await issuer.close();
});

async function refused(token: string, reason: string): Promise<void> {
  const response = await server.post(token);
  expect(response.status).toBe(401);
  expect(challengeOf(response)).toMatchObject({
    error: 'invalid_token',
    resource_metadata: server.guard.metadataUrl,
  });
  expect(server.refusals.at(-1)?.reason).toBe(reason);
  expect(server.reached).toHaveLength(0);
}

const seconds = () => Math.floor(Date.now() / 1000);

test('a good token passes and says who calls', async () => {
  const response = await server.post(await issuer.token(server.resource));
  expect(response.status).toBe(200);
  expect(server.reached[0]?.auth).toMatchObject({
    clientId: 'client-1',
    scopes: ['library:read', 'library:write'],
    extra: { subject: 'alice', grantId: 'g1' },
  });
  expect(server.reached[0]?.auth?.resource.href).toBe(server.resource);
});

test.each(['ES256', 'RS256', 'EdDSA'])('a token signed with %s passes', async (alg) => {
  const key = await signingKey('other', alg);
  issuer.state.published = [key];
  expect((await server.post(await issuer.token(server.resource, {}, { key }))).status).toBe(200);
});

describe('a token for another audience is refused', () => {
  test.each([
    ['another server', () => 'https://other.example/mcp'],
    ['a slash more', () => `${server.resource}/`],
    ['a prefix', () => server.resource.slice(0, -1)],
    ['an extension', () => `${server.resource}2`],
    ['the origin', () => server.origin],
    ['other case', () => server.resource.toUpperCase()],
    ['two audiences', () => [server.resource, 'https://other.example/mcp']],
    ['the issuer', () => issuer.issuer],
  ])('%s', async (_name, audience) => {
    await refused(await issuer.token(server.resource, { aud: audience() }), 'wrong_audience');
  });

  test('no audience', async () => {
    const key = issuer.state.published[0];
    const token = await new SignJWT({ iss: issuer.issuer, sub: 'alice', client_id: 'c', scope: '' })
      .setProtectedHeader({ alg: 'ES256', kid: 'first', typ: 'at+jwt' })
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(key?.privateKey as CryptoKey);
    await refused(token, 'wrong_audience');
  });
});

test('a token of another issuer is refused, a slash more included', async () => {
  await refused(await issuer.token(server.resource, { iss: `${issuer.issuer}/` }), 'wrong_issuer');
});

test('an expired token is refused, and so is one without expiry or one not valid yet', async () => {
  await refused(await issuer.token(server.resource, { exp: seconds() - 60 }), 'expired');
  await refused(await issuer.token(server.resource, { exp: undefined }), 'bad_claim');
  await refused(await issuer.token(server.resource, { nbf: seconds() + 60 }), 'not_yet_valid');
});

test('clocks may differ by the tolerance', async () => {
  expect((await server.post(await issuer.token(server.resource, { exp: seconds() - 5 }))).status).toBe(200);
});

test('a JWT that is no access token is refused', async () => {
  await refused(await issuer.token(server.resource, {}, { typ: 'JWT' }), 'wrong_type');
});

test('a token that lacks a client, or restricts tools in a way not understood, is refused', async () => {
  await refused(await issuer.token(server.resource, { client_id: undefined }), 'bad_claim');
  await refused(
    await issuer.token(server.resource, { tools: { 'library:read': 'search_books' } }),
    'bad_claim',
  );
  await refused(await issuer.token(server.resource, { tools: ['search_books'] }), 'bad_claim');
});

test('an unsigned token is refused', async () => {
  const token = new UnsecuredJWT({ sub: 'alice', client_id: 'c', scope: 'library:read' })
    .setIssuer(issuer.issuer)
    .setAudience(server.resource)
    .setIssuedAt()
    .setExpirationTime('5m')
    .encode();
  const [, payload] = token.split('.');
  const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt', kid: 'first' })).toString(
    'base64url',
  );
  await refused(`${header}.${payload}.`, 'bad_algorithm');
});

test('a token signed with the public key as an HMAC secret is refused', async () => {
  const publicKey = await importJWK(issuer.state.published[0]?.jwk ?? {}, 'ES256');
  const secret = new TextEncoder().encode(await exportSPKI(publicKey as CryptoKey));
  const token = await new SignJWT({ sub: 'alice', client_id: 'c', scope: 'library:read' })
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'first' })
    .setIssuer(issuer.issuer)
    .setAudience(server.resource)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(secret);
  await refused(token, 'bad_algorithm');
});

test('a token signed by a stranger under a known key id is refused', async () => {
  await refused(await issuer.token(server.resource, {}, { key: await signingKey('first') }), 'bad_signature');
});

test('a token changed after signing is refused', async () => {
  const [header, , signature] = (await issuer.token(server.resource)).split('.');
  const [, payload] = (await issuer.token(server.resource, { sub: 'mallory' })).split('.');
  await refused(`${header}.${payload}.${signature}`, 'bad_signature');
});

test('what only looks like a JWT is refused', async () => {
  await refused('a.b.c', 'not_a_token');
  await refused('..', 'not_a_token');
});
