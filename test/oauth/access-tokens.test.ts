// Access tokens: JWTs as RFC 9068 has them, with what Cardea adds; or opaque, where the operator says so.

import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimsOf, connect, introspect } from '../support/flow.ts';
import type { Person } from '../support/person.ts';
import { basicConfig, RESOURCE, type Server, startServer } from '../support/server.ts';

const [library, other] = basicConfig.resources;
const ALGORITHMS = ['ES256', 'RS256', 'EdDSA'] as const;
const uriOf = (algorithm: string) => `https://${algorithm.toLowerCase()}.example/mcp`;

let server: Server;
let alex: Person;
beforeAll(async () => {
  server = await startServer({
    config: {
      resources: [
        library,
        other,
        ...ALGORITHMS.map((algorithm) => ({
          uri: uriOf(algorithm),
          name: algorithm,
          token: { format: 'jwt', algorithm, lifetime: '5m' },
          scopes: [{ name: `${algorithm}:use`, description: 'Use it', default: true, tools: [] }],
        })),
      ],
    },
  });
  alex = await server.signedIn();
});
afterAll(() => server.close());

const keys = () => createRemoteJWKSet(new URL(`${server.issuer}/jwks`));

it('a token says who, for whom, through whom, what and how long', async () => {
  const before = Math.floor(Date.now() / 1000);
  const { tokens, client } = await connect(server, { by: alex });
  const { payload, protectedHeader } = await jwtVerify(tokens.access_token, keys(), {
    issuer: server.issuer,
    audience: RESOURCE,
    typ: 'at+jwt',
  });
  expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) });
  expect(payload).toEqual({
    iss: server.issuer,
    sub: server.account.id,
    aud: RESOURCE,
    client_id: client.client_id,
    scope: 'library:read library:write',
    jti: expect.any(String),
    iat: expect.any(Number),
    exp: expect.any(Number),
    grant_id: expect.any(String),
    grant_version: 1,
    family_id: expect.any(String),
  });
  expect(payload.iat).toBeGreaterThanOrEqual(before);
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(600);
  expect(tokens.expires_in).toBe(600);
});

it('no two tokens have one jti, and the tokens of one person by two clients have one sub', async () => {
  const [one, two] = [await connect(server, { by: alex }), await connect(server, { by: alex })];
  const [a, b] = [claimsOf(one.tokens.access_token), claimsOf(two.tokens.access_token)];
  expect(a['jti']).not.toBe(b['jti']);
  expect(a['grant_id']).not.toBe(b['grant_id']);
  expect(a['sub']).toBe(b['sub']);
});

it('a client that connects again has the same grant, one version on, and a family of its own', async () => {
  const one = await connect(server, { by: alex });
  const two = await connect(server, { by: alex, client: one.client });
  const [a, b] = [claimsOf(one.tokens.access_token), claimsOf(two.tokens.access_token)];
  expect(b['grant_id']).toBe(a['grant_id']);
  expect(b['grant_version']).toBe(Number(a['grant_version']) + 1);
  expect(b['family_id']).not.toBe(a['family_id']);
});

describe('tools', () => {
  it('are not in a token that may call all of them', async () => {
    const { tokens } = await connect(server, { by: alex });
    expect(claimsOf(tokens.access_token)).not.toHaveProperty('tools');
  });

  it('are in it for the scopes of which a part was allowed, and for no other', async () => {
    const { tokens } = await connect(server, { by: alex, untick: ['remove_book'] });
    expect(claimsOf(tokens.access_token)['scope']).toBe('library:read library:write');
    expect(claimsOf(tokens.access_token)['tools']).toEqual({ 'library:write': ['add_book'] });
  });

  it('are in a refreshed token as in the first', async () => {
    const { tokens, refresh } = await connect(server, { by: alex, untick: ['list_loans'] });
    const { body } = await refresh(tokens.refresh_token);
    expect(claimsOf(body.access_token)['tools']).toEqual({ 'library:read': ['search_books'] });
  });
});

describe('a resource', () => {
  it.each(ALGORITHMS)('that wants %s gets it, signed by a key that is published', async (algorithm) => {
    const { tokens } = await connect(server, {
      by: alex,
      params: { resource: uriOf(algorithm), scope: undefined },
    });
    const verified = await jwtVerify(tokens.access_token, keys(), {
      issuer: server.issuer,
      audience: uriOf(algorithm),
      algorithms: [algorithm],
      typ: 'at+jwt',
    });
    expect(verified.protectedHeader.alg).toBe(algorithm);
    expect(tokens.expires_in).toBe(300);
  });

  it('that wants opaque tokens gets them, and they say nothing', async () => {
    const { tokens } = await connect(server, {
      by: alex,
      params: { resource: other?.uri, scope: 'other:use' },
    });
    expect(() => decodeProtectedHeader(tokens.access_token)).toThrow();
    expect(tokens.access_token).toMatch(/^[\w-]{22,}$/);
    expect(await introspect(server, tokens.access_token, other?.server)).toMatchObject({
      active: true,
      aud: other?.uri,
    });
  });
});

it('an access token is no key to our own pages and endpoints', async () => {
  const { tokens } = await connect(server, { by: alex });
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const page = await fetch(`${server.issuer}/connections`, { headers, redirect: 'manual' });
  expect(page.status).toBe(303);
  const asked = await fetch(`${server.issuer}/introspect`, {
    method: 'POST',
    headers,
    body: new URLSearchParams({ token: tokens.access_token }),
  });
  expect(asked.status).toBeGreaterThanOrEqual(400);
  expect(asked.status).toBeLessThan(500);
  expect(await asked.json()).not.toHaveProperty('active');
});
