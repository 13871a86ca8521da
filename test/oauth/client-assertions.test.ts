// private_key_jwt (RFC 7523, RFC 7523bis): who signed it, for whom, when, and that it is used once.
// THREATS E24, E26, E27; PROTOCOL T5, T6.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ASSERTION_TYPE, asserted, assertion, type ClientKey, clientKey } from '../support/assertion.ts';
import { documentHost, testDoor } from '../support/documents.ts';
import { register, slowReads } from '../support/flow.ts';
import { later } from '../support/later.ts';
import { type Server, startServer } from '../support/server.ts';

let host: Awaited<ReturnType<typeof documentHost>>;
let server: Server;
let key: ClientKey;
let client_id: string;

beforeAll(async () => {
  host = await documentHost();
  server = await startServer({ outbound: testDoor() });
  key = await clientKey();
  client_id = (await registered({ jwks: { keys: [key.jwk] } })).client_id;
});
afterAll(() => Promise.all([server.close(), host.close()]));

const registered = (more: Record<string, unknown>) =>
  register(server, { token_endpoint_auth_method: 'private_key_jwt', ...more });

/** Authenticates and asks for nothing in particular: 200 means that it was believed. */
const show = (jwt: string, more: Record<string, string> = {}) =>
  server.post('/revoke', { token: 'x', ...asserted(jwt), ...more });

async function believed(jwt: string, more: Record<string, string> = {}): Promise<void> {
  const { status, body } = await show(jwt, more);
  expect([status, body]).toEqual([200, undefined]);
}

async function refused(jwt: string, more: Record<string, string> = {}): Promise<void> {
  const { status, headers, body } = await show(jwt, more);
  expect([status, body.error]).toEqual([401, 'invalid_client']);
  expect(headers.get('www-authenticate')).toMatch(/^Basic realm=/);
}

const honest = (claims: Record<string, unknown> = {}, header = {}) =>
  assertion(key, client_id, server.issuer, claims, header);

const now = () => Math.floor(Date.now() / 1000);

describe('an assertion is believed', () => {
  it('with nothing but itself: the client is who signs it', async () => {
    await believed(await honest());
  });

  it('with client_id beside it, if that is the same', async () => {
    await believed(await honest(), { client_id });
    const { status, body } = await show(await honest(), { client_id: 'another' });
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });

  it('for the issuer with a slash at its end', async () => {
    await believed(await honest({ aud: `${server.issuer}/` }));
  });

  it.each(['RS256', 'PS256', 'EdDSA'])('signed with %s', async (alg) => {
    const mine = await clientKey(alg);
    const { client_id: id } = await registered({ jwks: { keys: [mine.jwk] } });
    await believed(await assertion(mine, id, server.issuer));
  });

  it('by any of the keys of its client, with or without a kid', async () => {
    const [one, two] = [await clientKey('ES256', 'one'), await clientKey('RS256', 'two')];
    const { client_id: id } = await registered({ jwks: { keys: [one.jwk, two.jwk] } });
    for (const mine of [one, two]) {
      await believed(await assertion(mine, id, server.issuer));
      await believed(await assertion(mine, id, server.issuer, {}, { kid: undefined }));
    }
  });

  it('by a clock that is a little ahead or behind', async () => {
    await believed(await honest({ iat: now() + 30, nbf: now() + 30, exp: now() + 90 }));
    await believed(await honest({ iat: now() - 90, exp: now() - 30 }));
  });
});

describe('an assertion is refused', () => {
  it.each([
    ['the token endpoint', () => `${server.issuer}/token`],
    ['another server', () => 'https://other.example'],
    ['the issuer and another', () => [server.issuer, 'https://other.example']],
    ['the issuer in a list', () => [server.issuer]],
    ['the issuer in capitals', () => server.issuer.toUpperCase()],
    ['a longer name', () => `${server.issuer}.evil.example`],
    ['nobody', () => undefined],
  ])('for %s', async (_who, aud) => {
    await refused(await honest({ aud: aud() }));
  });

  it.each([
    ['without exp', () => ({ exp: undefined })],
    ['with exp as text', () => ({ exp: String(now() + 60) })],
    ['that has run out', () => ({ exp: now() - 120 })],
    ['that is good for a day', () => ({ exp: now() + 86_400 })],
    ['made tomorrow', () => ({ iat: now() + 3600, exp: now() + 3660 })],
    ['not good yet', () => ({ nbf: now() + 600 })],
    ['without jti', () => ({ jti: undefined })],
    ['with an empty jti', () => ({ jti: '' })],
    ['with a jti that is no text', () => ({ jti: 7 })],
    ['with an endless jti', () => ({ jti: 'j'.repeat(5000) })],
    ['of another issuer', () => ({ iss: 'another' })],
    ['of nobody', () => ({ iss: undefined })],
  ])('%s', async (_what, claims) => {
    await refused(await honest(claims()));
  });

  it('of an unsigned kind, and signed with the public key as a secret', async () => {
    const body = (await honest()).split('.')[1];
    for (const alg of ['none', 'None', 'HS256']) {
      const head = Buffer.from(JSON.stringify({ alg })).toString('base64url');
      await refused(`${head}.${body}.`);
      await refused(`${head}.${body}.${'A'.repeat(43)}`);
    }
    const secret = new TextEncoder().encode(JSON.stringify(key.jwk));
    await refused(await assertion({ alg: 'HS256', kid: 'k1', privateKey: secret }, client_id, server.issuer));
  });

  it('with a key of its own, and nothing is fetched for it', async () => {
    const evil = await clientKey('ES256', 'evil');
    const before = host.connections();
    for (const header of [
      { jwk: evil.jwk },
      { jku: `${host.origin}/keys` },
      { x5u: `${host.origin}/cert` },
    ]) {
      await refused(await assertion(evil, client_id, server.issuer, {}, header));
      await refused(await honest({}, header));
    }
    await refused(await assertion(evil, client_id, server.issuer, {}, { kid: 'k1' }));
    expect(host.connections()).toBe(before);
  });

  it('that is a JWT of another kind', async () => {
    for (const typ of ['at+jwt', 'dpop+jwt', 'logout+jwt']) await refused(await honest({}, { typ }));
    for (const typ of ['JWT', 'client-authentication+jwt']) await believed(await honest({}, { typ }));
  });

  it('by another algorithm than the one that was registered', async () => {
    const mine = await clientKey('PS256');
    const { alg: _alg, ...jwk } = mine.jwk;
    const { client_id: id } = await registered({
      jwks: { keys: [jwk] },
      token_endpoint_auth_signing_alg: 'RS256',
    });
    await refused(await assertion(mine, id, server.issuer));
  });

  it('of a type that is not ours, and beside another way to authenticate', async () => {
    for (const more of [
      { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer' },
      { client_secret: 'x' },
    ]) {
      const { status, body } = await show(await honest(), more);
      expect([status, body.error]).toEqual([400, 'invalid_request']);
    }
    const alone = await server.post('/revoke', { token: 'x', client_assertion: await honest() });
    expect([alone.status, alone.body.error]).toEqual([400, 'invalid_request']);
    const typed = await server.post('/revoke', { token: 'x', client_assertion_type: ASSERTION_TYPE });
    expect([typed.status, typed.body.error]).toEqual([400, 'invalid_request']);
  });

  it('from a client that has registered a secret, or nothing', async () => {
    for (const token_endpoint_auth_method of ['client_secret_basic', 'none']) {
      const { client_id: id } = await register(server, { token_endpoint_auth_method });
      await refused(await assertion(key, id, server.issuer));
    }
  });

  it('and its client is refused without one', async () => {
    const { status, body } = await server.post('/revoke', { token: 'x', client_id });
    expect([status, body.error]).toEqual([401, 'invalid_client']);
  });
});

describe('an assertion is used once', () => {
  it('one after the other', async () => {
    const jwt = await honest();
    await believed(jwt);
    await refused(jwt);
  });

  it('also where the request it came with was refused', async () => {
    const jwt = await honest();
    const { status } = await server.post('/token', { grant_type: 'refresh_token', ...asserted(jwt) });
    expect(status).toBe(400);
    await refused(jwt);
  });

  it('and at every endpoint together', async () => {
    const jwt = await honest();
    await believed(jwt);
    const { status } = await server.post('/introspect', { token: 'x', ...asserted(jwt) });
    expect(status).toBe(401);
  });

  it('but two clients may choose the same jti', async () => {
    const other = await registered({ jwks: { keys: [key.jwk] } });
    const jti = 'the same';
    await believed(await honest({ jti }));
    await believed(await assertion(key, other.client_id, server.issuer, { jti }));
  });

  it('until it has run out, however long that is', async () => {
    const jwt = await honest({ exp: now() + 3000 });
    await believed(jwt);
    later(2_990_000);
    await refused(jwt);
  });
});

describe('keys behind an address', () => {
  it('are fetched once for many, and again when a new key is used', async () => {
    const [old, next] = [await clientKey('ES256', 'old'), await clientKey('ES256', 'next')];
    host.set('/keys', { body: { keys: [old.jwk] } });
    const { client_id: id } = await registered({ jwks_uri: `${host.origin}/keys` });
    host.asked();
    await Promise.all(
      Array.from({ length: 5 }, async () => believed(await assertion(old, id, server.issuer))),
    );
    expect(host.asked()).toEqual(['/keys']);
    host.set('/keys', { body: { keys: [next.jwk] } });
    later(61_000);
    await believed(await assertion(next, id, server.issuer));
    expect(host.asked()).toEqual(['/keys']);
    // withdrawn is withdrawn
    await refused(await assertion(old, id, server.issuer));
  });

  it('are not fetched again and again for a key that is not there', async () => {
    host.set('/few', { body: { keys: [key.jwk] } });
    const { client_id: id } = await registered({ jwks_uri: `${host.origin}/few` });
    host.asked();
    for (let round = 0; round < 5; round += 1) {
      const stranger = await clientKey('ES256', `stranger-${round}`);
      await refused(await assertion(stranger, id, server.issuer));
    }
    expect(host.asked()).toEqual(['/few']);
  });

  it('serve while their host is down, and a host that was never up is not hammered', async () => {
    host.set('/up', { body: { keys: [key.jwk] } });
    const { client_id: id } = await registered({ jwks_uri: `${host.origin}/up` });
    await believed(await assertion(key, id, server.issuer));
    host.set('/up', { status: 500, body: 'no' });
    later(700_000);
    await believed(await assertion(key, id, server.issuer));
    vi.useRealTimers();

    const { client_id: never } = await registered({ jwks_uri: `${host.origin}/never` });
    host.asked();
    for (let round = 0; round < 3; round += 1) await refused(await assertion(key, never, server.issuer));
    expect(host.asked()).toEqual(['/never']);
  });

  it.each([
    ['no JSON', 'x'],
    ['no set', '{"keys":{}}'],
    ['a secret', '{"keys":[{"kty":"oct","k":"AAAA"}]}'],
    ['too much', JSON.stringify({ keys: [], filling: 'x'.repeat(100_000) })],
  ])('that are %s are no keys', async (what, body) => {
    const path = `/bad-${what.replace(' ', '-')}`;
    host.set(path, { body });
    const { client_id: id } = await registered({ jwks_uri: host.origin + path });
    await refused(await assertion(key, id, server.issuer));
  });
});

// Last, because it slows the server down.
it('of eight requests with one assertion at the same moment one is served', async () => {
  slowReads(server);
  const jwt = await honest();
  const answers = await Promise.all(Array.from({ length: 8 }, () => show(jwt)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(401)]);
});
