// An OpenID provider that does whatever a test says: honest until a knob is turned. Its authorization endpoint is a
// function, `visit`, because what a browser does on the way is not what is tested with it.

import { createHash, type webcrypto } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { random } from '../../src/crypto.ts';
import { mischievous } from './upstream-mischief.ts';

type Change = (value: Record<string, unknown>) => Record<string, unknown>;

export type OidcUpstream = Awaited<ReturnType<typeof oidcUpstream>>;

const same: Change = (value) => value;

export async function oidcUpstream({ clientId = 'cardea', secret = 'a secret of ours, 0001' } = {}) {
  const knobs = {
    /** Each of these may change what is about to be said. */
    metadata: same,
    idToken: same,
    header: same,
    tokens: same,
    userinfo: same,
    callback: same,
    /** Microsoft Graph, where the metadata says that it is here. */
    graph: same,
    /** Signs with a key that is not published. */
    strangeKey: false,
    secrets: [secret],
    subject: 'person-1',
  };
  let number = 0;
  let keys: { kid: string; privateKey: webcrypto.CryptoKey; jwk: JWK }[] = [];
  const codes = new Map<string, { challenge: string; nonce: string; redirectUri: string; scope: string }>();
  const refreshTokens = new Map<string, string>();
  const revoked: string[] = [];

  async function rotate(): Promise<void> {
    number += 1;
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const kid = `key-${number}`;
    keys = [{ kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } }];
  }
  await rotate();
  const strange = await generateKeyPair('RS256');

  async function idToken(nonce: string): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const [key] = keys;
    const claims = knobs.idToken({
      ...{ iss: server.origin, sub: knobs.subject, aud: clientId, nonce, iat: now, exp: now + 300 },
      ...{ name: 'Pat Doe', email: 'pat@corp.example', email_verified: true, groups: ['staff'] },
    });
    const header = knobs.header({ alg: 'RS256', kid: key?.kid });
    return new SignJWT(claims as JWTPayload)
      .setProtectedHeader(header as { alg: string })
      .sign(knobs.strangeKey ? strange.privateKey : (key?.privateKey as webcrypto.CryptoKey));
  }

  const known = (authorization: string | undefined, form: URLSearchParams): boolean => {
    const [, basic = ''] = /^Basic (\S+)$/.exec(authorization ?? '') ?? [];
    const [id, value] = Buffer.from(basic, 'base64')
      .toString()
      .split(':')
      .map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
    return knobs.secrets.some(
      (each) => (id === clientId && value === each) || form.get('client_secret') === each,
    );
  };

  const server = await mischievous(async ({ path, headers, body }, _url, response) => {
    const json = (value: unknown, status = 200): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const form = new URLSearchParams(body);
    const issue = async (scope: string, nonce?: string): Promise<void> => {
      const refresh = random();
      refreshTokens.set(refresh, scope);
      const answer = {
        access_token: random(),
        token_type: 'Bearer',
        expires_in: 300,
        refresh_token: refresh,
        scope,
      };
      json(knobs.tokens({ ...answer, ...(nonce !== undefined && { id_token: await idToken(nonce) }) }));
    };
    if (path === '/.well-known/openid-configuration') return json(knobs.metadata(metadata()));
    if (path === '/jwks') return json({ keys: keys.map(({ jwk }) => jwk) });
    if (path === '/userinfo') return json(knobs.userinfo({ sub: knobs.subject, groups: ['staff'] }));
    if (path === '/v1.0/me/getMemberGroups') return json(knobs.graph({ value: ['g-1', 'g-2'] }));
    if (path !== '/token' && path !== '/revoke') return json({}, 404);
    if (!known(headers.authorization, form)) return json({ error: 'invalid_client' }, 401);
    if (path === '/revoke') {
      revoked.push(form.get('token') ?? '');
      return void response.writeHead(200).end();
    }
    if (form.get('grant_type') === 'refresh_token') {
      const scope = refreshTokens.get(form.get('refresh_token') ?? '');
      refreshTokens.delete(form.get('refresh_token') ?? '');
      return scope === undefined ? json({ error: 'invalid_grant' }, 400) : issue(scope);
    }
    const code = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (!code || code.challenge !== challenge || code.redirectUri !== form.get('redirect_uri'))
      return json({ error: 'invalid_grant' }, 400);
    return issue(code.scope, code.nonce);
  });

  const metadata = () => ({
    issuer: server.origin,
    authorization_endpoint: `${server.origin}/authorize`,
    token_endpoint: `${server.origin}/token`,
    jwks_uri: `${server.origin}/jwks`,
    userinfo_endpoint: `${server.origin}/userinfo`,
    revocation_endpoint: `${server.origin}/revoke`,
    authorization_response_iss_parameter_supported: true,
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
  });

  return {
    ...server,
    issuer: server.origin,
    knobs,
    revoked,
    /** From now on it signs with a new key, and publishes only that. */
    rotate,
    /** What the browser brings back when the person has said yes at `url`. */
    visit(url: URL): URLSearchParams {
      const asked = Object.fromEntries(url.searchParams);
      if (asked['code_challenge_method'] !== 'S256') throw new Error('no PKCE');
      const code = random();
      codes.set(code, {
        challenge: asked['code_challenge'] ?? '',
        nonce: asked['nonce'] ?? '',
        redirectUri: asked['redirect_uri'] ?? '',
        scope: asked['scope'] ?? '',
      });
      const callback = knobs.callback({ code, state: asked['state'], iss: server.origin });
      return new URLSearchParams(callback as Record<string, string>);
    },
  };
}
