// RFC 9449 at the token endpoint. THREATS F04, R01, R02.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DpopKey, dpopKey } from '../support/dpop.ts';
import {
  authorize,
  authorizeUrl,
  claimsOf,
  errorOf,
  get,
  introspect,
  type Params,
  redirectOf,
  register,
  search,
  type Wish,
} from '../support/flow.ts';
import { OTHER_RESOURCE, OTHER_SERVER, type Server, startServer } from '../support/server.ts';

let server: Server;
let key: DpopKey;
let endpoint: string;
beforeAll(async () => {
  server = await startServer({
    config: {
      clients: [
        {
          id: 'bound',
          name: 'Bound',
          redirect_uris: ['http://127.0.0.1/callback'],
          secret: 'a-secret-of-the-bound-client-00001',
          dpop_bound: true,
        },
      ],
    },
  });
  key = await dpopKey();
  endpoint = `${server.issuer}/token`;
});
afterAll(() => server?.close());

type Body = Record<string, string> & { access_token: string; refresh_token: string };
type Proofs = string | [string, string][] | undefined;

async function token(params: Params, proof: Proofs, at = server) {
  const headers = typeof proof === 'string' ? [['dpop', proof] as [string, string]] : (proof ?? []);
  const response = await fetch(`${at.issuer}/token`, { method: 'POST', body: search(params), headers });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
}

/** As far as the code, and how to redeem it with a proof. */
async function coded(wish: Wish = {}, at = server) {
  const { client, code, verifier } = await authorize(at, wish);
  const redirect_uri = 'http://127.0.0.1:3999/callback';
  const { client_id, client_secret } = client;
  return {
    client,
    redeem: (proof: Proofs, changes: Params = {}) => {
      const own = { client_id, client_secret, redirect_uri };
      const fields = { grant_type: 'authorization_code', code, code_verifier: verifier, ...own, ...changes };
      return token(fields, proof, at);
    },
    refresh: (refresh_token: string, proof: Proofs) =>
      token({ grant_type: 'refresh_token', refresh_token, client_id, client_secret }, proof, at),
  };
}

describe('a request with a proof', () => {
  it('gets a token bound to that key, as the token and introspection say', async () => {
    const { redeem } = await coded();
    const { status, body } = await redeem(await key.proof(endpoint));
    expect([status, body.token_type]).toEqual([200, 'DPoP']);
    expect(claimsOf(body.access_token)['cnf']).toEqual({ jkt: key.jkt });
    expect(await introspect(server, body.access_token)).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt: key.jkt },
    });
  });

  it('gets an opaque token bound as well', async () => {
    const { redeem } = await coded({ params: { resource: OTHER_RESOURCE, scope: 'other:use' } });
    const { body } = await redeem(await key.proof(endpoint));
    expect(await introspect(server, body.access_token, OTHER_SERVER)).toMatchObject({
      cnf: { jkt: key.jkt },
    });
  });

  it.each(['EdDSA', 'PS256', 'RS256'])('may sign with %s', async (alg) => {
    const { redeem } = await coded();
    const other = await dpopKey(alg);
    expect((await redeem(await other.proof(endpoint))).body.token_type).toBe('DPoP');
  });

  it('leaves a token without a proof as it was', async () => {
    const { redeem } = await coded();
    const { body } = await redeem(undefined);
    expect(body.token_type).toBe('Bearer');
    expect(claimsOf(body.access_token)['cnf']).toBeUndefined();
  });
});

describe("a public client's refresh token is bound to the key", () => {
  it('and is refused without proof, and with the proof of another key, and lives on', async () => {
    const { redeem, refresh } = await coded();
    const first = (await redeem(await key.proof(endpoint))).body;
    const thief = await dpopKey();
    for (const proof of [undefined, await thief.proof(endpoint)]) {
      const { status, body } = await refresh(first.refresh_token, proof);
      expect([status, body.error]).toEqual([400, 'invalid_grant']);
    }
    const { status, body } = await refresh(first.refresh_token, await key.proof(endpoint));
    expect([status, body.token_type]).toEqual([200, 'DPoP']);
    // F04: within the grace window the old one is forgiven to the holder of the key, and to nobody else.
    expect((await refresh(first.refresh_token, await thief.proof(endpoint))).status).toBe(400);
    expect((await refresh(first.refresh_token, undefined)).status).toBe(400);
    const again = await refresh(first.refresh_token, await key.proof(endpoint));
    expect(again.body.refresh_token).toBe(body.refresh_token);
  });

  it("a confidential client's is not: its authentication binds it (§5)", async () => {
    const { redeem, refresh } = await coded({
      metadata: { token_endpoint_auth_method: 'client_secret_post' },
    });
    const first = (await redeem(await key.proof(endpoint))).body;
    const other = await dpopKey();
    const { status, body } = await refresh(first.refresh_token, await other.proof(endpoint));
    expect(status).toBe(200);
    expect(claimsOf(body.access_token)['cnf']).toEqual({ jkt: other.jkt });
  });
});

describe('a code asked for with dpop_jkt (§10)', () => {
  it('is redeemed with that key only', async () => {
    const { redeem } = await coded({ params: { dpop_jkt: key.jkt } });
    const thief = await dpopKey();
    for (const proof of [undefined, await thief.proof(endpoint)]) {
      const { status, body } = await redeem(proof);
      expect([status, body.error]).toEqual([400, 'invalid_grant']);
    }
    expect((await redeem(await key.proof(endpoint))).body.token_type).toBe('DPoP');
  });

  it('and what came of it refreshes with that key only', async () => {
    const { redeem, refresh } = await coded({ params: { dpop_jkt: key.jkt } });
    const { body } = await redeem(await key.proof(endpoint));
    expect((await refresh(body.refresh_token, await (await dpopKey()).proof(endpoint))).status).toBe(400);
    expect((await refresh(body.refresh_token, await key.proof(endpoint))).body.token_type).toBe('DPoP');
  });

  it('twice, or of no key, is refused before a person sees anything', async () => {
    const { client_id } = await register(server);
    const url = (dpop_jkt: string | string[]) => authorizeUrl(server, { client_id, dpop_jkt });
    for (const dpop_jkt of [
      [key.jkt, key.jkt],
      'x',
      `${key.jkt}=`,
      key.jkt.slice(1),
      `${key.jkt} `,
      '\u00e9'.repeat(43),
    ]) {
      const response = await get(url(dpop_jkt));
      expect(errorOf(redirectOf(response))['error'], String(dpop_jkt)).toBe('invalid_request');
    }
    expect((await get(url(key.jkt))).headers.get('location')).toMatch(/^\/interaction\//);
  });
});

describe('a client that said that its tokens are bound', () => {
  it('is refused without a proof, and nothing is consumed', async () => {
    const { redeem, refresh } = await coded({ metadata: { dpop_bound_access_tokens: true } });
    const bare = await redeem(undefined);
    expect([bare.status, bare.body.error]).toEqual([400, 'invalid_dpop_proof']);
    const { body } = await redeem(await key.proof(endpoint));
    expect(body.token_type).toBe('DPoP');
    expect((await refresh(body.refresh_token, undefined)).body.error).toBe('invalid_dpop_proof');
  });

  it('also when its operator said so', async () => {
    const client = { client_id: 'bound', client_secret: 'a-secret-of-the-bound-client-00001' };
    const { redeem } = await coded({
      client: { ...client, token_endpoint_auth_method: 'client_secret_post' },
    });
    expect((await redeem(undefined)).body.error).toBe('invalid_dpop_proof');
    expect((await redeem(await key.proof(endpoint))).body.token_type).toBe('DPoP');
  });
});

describe('a proof is refused, and the code lives on', () => {
  const now = () => Math.floor(Date.now() / 1000);
  it.each<[string, Record<string, unknown>]>([
    ['for another method', { htm: 'GET' }],
    ['for another endpoint', { htu: 'http://127.0.0.1/introspect' }],
    ['for another server', { htu: 'https://other.example/token' }],
    ['for no address', { htu: 7 }],
    ['without jti', { jti: undefined }],
    ['with an endless jti', { jti: 'x'.repeat(600) }],
    ['without iat', { iat: undefined }],
    ['with a nonce that is no text', { nonce: 7 }],
    ['that ran out', { exp: now() - 600 }],
  ])('%s', async (_name, claims) => {
    const { redeem } = await coded();
    const { status, body } = await redeem(await key.proof(endpoint, claims));
    expect([status, body.error]).toEqual([400, 'invalid_dpop_proof']);
    expect((await redeem(await key.proof(endpoint))).status).toBe(200);
  });

  it.each<[string, () => Promise<Record<string, unknown>>]>([
    ['of another type', async () => ({ typ: 'JWT' })],
    ['without a key', async () => ({ jwk: undefined })],
    ['that shows its private key', async () => ({ jwk: key.privateJwk })],
    ['with a secret for a key', async () => ({ jwk: { kty: 'oct', k: 'c2VjcmV0' } })],
    ['that another key signed', async () => ({ jwk: (await dpopKey()).jwk })],
    ['with a critical member that nobody knows', async () => ({ crit: ['x'], x: 1 })],
  ])('%s', async (_name, header) => {
    const { redeem } = await coded();
    const made = await key.proof(endpoint, {}, await header()).catch(() => 'a.b.c');
    expect((await redeem(made)).body.error).toBe('invalid_dpop_proof');
    expect((await redeem(await key.proof(endpoint))).status).toBe(200);
  });

  it('that comes with another one', async () => {
    const { redeem } = await coded();
    const two: [string, string][] = [
      ['dpop', await key.proof(endpoint)],
      ['dpop', await key.proof(endpoint)],
    ];
    expect((await redeem(two)).body.error).toBe('invalid_dpop_proof');
  });

  it('that was used before, also by a request that was refused', async () => {
    const { redeem } = await coded();
    const proof = await key.proof(endpoint);
    expect((await redeem(proof, { code_verifier: 'x'.repeat(43) })).body.error).toBe('invalid_grant');
    const again = await redeem(proof);
    expect([again.status, again.body.error]).toEqual([400, 'invalid_dpop_proof']);
    expect((await redeem(await key.proof(endpoint))).status).toBe(200);
  });

  it('but not for a query or a fragment in its address, which do not count', async () => {
    const { redeem } = await coded();
    expect((await redeem(await key.proof(`${endpoint}?a=1#b`))).status).toBe(200);
  });
});

describe('nonces (§8)', () => {
  it('a client whose clock is wrong gets one, and is let in with it', async () => {
    const { redeem } = await coded();
    const iat = Math.floor(Date.now() / 1000) - 3600;
    const late = await redeem(await key.proof(endpoint, { iat }));
    expect([late.status, late.body.error]).toEqual([400, 'use_dpop_nonce']);
    const nonce = late.headers.get('dpop-nonce');
    expect((await redeem(await key.proof(endpoint, { iat, nonce }))).status).toBe(200);
  });

  it('one that we did not give is answered with one that we do', async () => {
    const { redeem } = await coded();
    const { body, headers } = await redeem(await key.proof(endpoint, { nonce: 'made up' }));
    expect(body.error).toBe('use_dpop_nonce');
    expect(headers.get('dpop-nonce')).toBeTruthy();
    expect(headers.get('access-control-expose-headers')).toContain('DPoP-Nonce');
  });

  it('where the operator demands them, every proof needs one', async () => {
    const strict = await startServer({ config: { policy: { dpop_nonce: true } } });
    try {
      const at = `${strict.issuer}/token`;
      const { redeem } = await coded({}, strict);
      const bare = await redeem(await key.proof(at));
      expect([bare.status, bare.body.error]).toEqual([400, 'use_dpop_nonce']);
      const nonce = bare.headers.get('dpop-nonce');
      expect((await redeem(await key.proof(at, { nonce }))).body.token_type).toBe('DPoP');
    } finally {
      await strict.close();
    }
  });
});

it('the metadata says which proofs are taken, and none of them symmetric', async () => {
  const document = await (await fetch(`${server.issuer}/.well-known/oauth-authorization-server`)).json();
  const algorithms = (document as Record<string, string[]>)['dpop_signing_alg_values_supported'] ?? [];
  expect(algorithms).toContain('ES256');
  expect(algorithms.filter((name) => /^HS|none/.test(name))).toEqual([]);
});

it('a registration keeps dpop_bound_access_tokens, and only true', async () => {
  const kept = await register(server, { dpop_bound_access_tokens: true });
  expect(kept).toMatchObject({ dpop_bound_access_tokens: true });
  expect(await register(server, { dpop_bound_access_tokens: 'yes' })).not.toHaveProperty(
    'dpop_bound_access_tokens',
  );
});
