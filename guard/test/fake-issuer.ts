// An authorization server as small as the guard needs: metadata, keys, introspection, over real HTTP.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';

type Answer = { status: number; body: unknown };
type SigningKey = { kid: string; alg: string; privateKey: CryptoKey; jwk: object };

export async function signingKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg);
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

export type FakeIssuer = Awaited<ReturnType<typeof fakeIssuer>>;

export async function fakeIssuer() {
  const asked: string[] = [];
  const introspected: { authorization: string; token: string }[] = [];
  const state = {
    published: [await signingKey('first')],
    /** Members that replace those of the metadata. */
    metadata: {} as Record<string, unknown>,
    /** What introspection says of a token. */
    live: new Map<string, object>(),
    down: new Set<string>(),
    /** What the token endpoint answers to an exchange. */
    exchange: (_fields: URLSearchParams): Answer => ({ status: 400, body: { error: 'invalid_target' } }),
  };
  const server = createServer(async (req, res) => {
    const path = req.url ?? '';
    asked.push(path);
    let sent = '';
    for await (const chunk of req) sent += chunk;
    if (state.down.has(path)) return void res.destroy();
    const { status, body } = answer(path, sent, req.headers.authorization ?? '');
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  function answer(path: string, sent: string, authorization: string): Answer {
    if (path === '/.well-known/oauth-authorization-server') {
      const endpoints = {
        jwks_uri: `${issuer}/jwks`,
        introspection_endpoint: `${issuer}/introspect`,
        token_endpoint: `${issuer}/token`,
      };
      return { status: 200, body: { issuer, ...endpoints, ...state.metadata } };
    }
    if (path === '/jwks') return { status: 200, body: { keys: state.published.map((key) => key.jwk) } };
    if (path === '/introspect') {
      if (authorization !== `Basic ${btoa('library-server:s%26cret')}`) return { status: 401, body: {} };
      const token = new URLSearchParams(sent).get('token') ?? '';
      introspected.push({ authorization, token });
      return { status: 200, body: state.live.get(token) ?? { active: false } };
    }
    if (path === '/token') {
      if (authorization !== `Basic ${btoa('library-server:s%26cret')}`) return { status: 401, body: {} };
      return state.exchange(new URLSearchParams(sent));
    }
    return { status: 404, body: {} };
  }

  return {
    issuer,
    state,
    asked,
    introspected,
    askedFor: (path: string) => asked.filter((each) => each === path).length,
    /** A token that is good for `resource`, except for what `claims` and `options` say. */
    token(
      resource: string,
      claims: Record<string, unknown> = {},
      options: { key?: SigningKey; typ?: string } = {},
    ) {
      const now = Math.floor(Date.now() / 1000);
      const { key = state.published[0] as SigningKey, typ = 'at+jwt' } = options;
      const good = {
        iss: issuer,
        aud: resource,
        sub: 'alice',
        client_id: 'client-1',
        scope: 'library:read library:write',
        iat: now,
        exp: now + 600,
        jti: 'j1',
        grant_id: 'g1',
      };
      return new SignJWT({ ...good, ...claims })
        .setProtectedHeader({ alg: key.alg, kid: key.kid, typ })
        .sign(key.privateKey);
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}
