// RFC 9207: every answer that a browser brings back says who gave it, once, to the byte.

import { beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/cardea.ts';
import {
  authorize,
  authorizeUrl,
  CALLBACK,
  claimsOf,
  get,
  type Params,
  redirectOf,
  register,
} from '../support/flow.ts';
import { RESOURCE, startServer } from '../support/server.ts';
import { alex, server } from '../support/signed-in.ts';

let client: { client_id: string };
beforeAll(async () => {
  client = await register(server);
});

// OAuth 2.0 Multiple Response Types §2.1: what would come in the fragment is refused there, too.
const answered = (url: URL): URL =>
  url.hash ? new URL(`${url.origin}${url.pathname}?${url.hash.slice(1)}`) : url;

function saysWho(url: URL): void {
  expect(url.href.startsWith(`${CALLBACK}?`)).toBe(true);
  expect(url.searchParams.getAll('iss')).toEqual([server.issuer]);
  expect(url.searchParams.getAll('state')).toEqual(['a state']);
}

it('metadata promises it', async () => {
  const metadata = await (await fetch(`${server.issuer}/.well-known/oauth-authorization-server`)).json();
  expect(metadata).toMatchObject({
    issuer: server.issuer,
    authorization_response_iss_parameter_supported: true,
  });
});

it('a code comes with iss', async () => {
  const { callback, code } = await authorize(server, { by: alex, client });
  expect(code).not.toBe('');
  saysWho(callback);
});

it('a refusal by the person comes with iss', async () => {
  const { callback } = await authorize(server, { by: alex, client, deny: true });
  expect(callback.searchParams.get('error')).toBe('access_denied');
  saysWho(callback);
});

describe('an error comes with iss', () => {
  it.each<[string, Params]>([
    ['invalid_request', { code_challenge: undefined }],
    ['invalid_request', { code_challenge_method: 'plain' }],
    ['invalid_request', { code_challenge: 'short' }],
    ['invalid_request', { response_type: undefined }],
    ['invalid_request', { scope: ['a', 'b'] }],
    ['unsupported_response_type', { response_type: 'token' }],
    ['unsupported_response_type', { response_type: 'code id_token' }],
    ['invalid_target', { resource: 'https://unknown.example/mcp' }],
    ['invalid_target', { resource: `${RESOURCE}#part` }],
    ['invalid_target', { resource: 'no uri' }],
    ['login_required', { prompt: 'none' }],
    ['invalid_request', { prompt: 'none login' }],
    ['request_not_supported', { request: 'x.y.z' }],
    ['request_uri_not_supported', { request_uri: 'https://x.example/r' }],
    ['registration_not_supported', { registration: '{}' }],
  ])('%s for %j', async (error, params) => {
    const url = answered(
      redirectOf(await get(authorizeUrl(server, { client_id: client.client_id, ...params }))),
    );
    expect(url.searchParams.get('error')).toBe(error);
    expect(url.searchParams.has('code')).toBe(false);
    saysWho(url);
  });

  it('consent_required, for a client that may not be silent', async () => {
    const { callback } = await authorize(server, { by: alex, client, params: { prompt: 'none' } });
    expect(callback.searchParams.get('error')).toBe('consent_required');
    saysWho(callback);
  });
});

it('an issuer with a path is named with its path', async () => {
  const port = String(await freePort());
  const tenant = await startServer({
    env: { CARDEA_PORT: port, CARDEA_ISSUER: `http://127.0.0.1:${port}/tenant` },
  });
  try {
    const { callback, redeemWith } = await authorize(tenant);
    expect(callback.searchParams.getAll('iss')).toEqual([`http://127.0.0.1:${port}/tenant`]);
    const { body } = await redeemWith();
    expect(claimsOf(body.access_token)['iss']).toBe(`http://127.0.0.1:${port}/tenant`);
  } finally {
    await tenant.close();
  }
});
