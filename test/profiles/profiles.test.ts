// Every real client, played as it is, quirks and all: it connects, is seen by the MCP server, refreshes and goes.
// PROTOCOL §4.2; THREATS Q.

import { type CryptoKey, exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outbound } from '../../src/outbound.ts';
import { documentHost, testDoor } from '../support/documents.ts';
import { introspect } from '../support/flow.ts';
import { basicConfig, SERVER, type Server, startServer } from '../support/server.ts';
import { HOSTED } from './hosted.ts';
import { LIBRARY, ORIGIN, type Profile } from './profile.ts';
import { type Known, replayed } from './replay.ts';
import { TOOLS } from './tools.ts';

const AT_ORIGIN = { id: 'origin-server', secret: 'a-secret-of-the-origin-server-0003' };
const config = {
  resources: [
    basicConfig.resources[0],
    {
      uri: ORIGIN,
      name: 'Tools',
      server: AT_ORIGIN,
      scopes: [{ name: 'tools:use', description: 'Use them', default: true, tools: [] }],
    },
  ],
  policy: { default_resource: LIBRARY },
};

let server: Server;
let web: Awaited<ReturnType<typeof documentHost>>;
let keys: { publicKey: CryptoKey; privateKey: CryptoKey };

// Documents are asked for at their real addresses; behind the door, all of the web is one host of ours.
const elsewhere = (url: string | URL | Request): string => {
  const { host, pathname } = new URL(url instanceof Request ? url.url : url);
  return `${web.origin}/${host}${pathname}`;
};
const door = (): Outbound => {
  const real = testDoor();
  return {
    get: (url, options) => real.get(elsewhere(url), options),
    send: (url, options) => real.send(elsewhere(url), options),
  };
};

beforeAll(async () => {
  web = await documentHost();
  keys = await generateKeyPair('RS256');
  server = await startServer({ config, outbound: door() });
}, 60_000);
afterAll(async () => {
  await server?.close();
  await web?.close();
});

async function known({ knownBy, metadata }: Profile): Promise<Known> {
  if ('document' in knownBy) {
    const url = new URL(knownBy.document);
    web.set(`/${url.host}${url.pathname}`, { body: { client_id: knownBy.document, ...metadata } });
    return { client_id: knownBy.document };
  }
  const { status, body } = await server.json('/register', metadata);
  expect([status, body.error_description]).toEqual([201, undefined]);
  // An absent member is absent: several clients fail on a null (mcp-auth-proxy#173).
  expect(Object.entries(body).filter(([, value]) => value === null || value === '')).toEqual([]);
  expect(body.redirect_uris).toEqual(metadata['redirect_uris']);
  expect(body.token_endpoint_auth_method).toBe(
    metadata['token_endpoint_auth_method'] ?? 'client_secret_basic',
  );
  expect('client_secret' in body).toBe(body.token_endpoint_auth_method !== 'none');
  return body;
}

async function keyOf({ keys: algorithm, metadata }: Profile): Promise<CryptoKey | undefined> {
  if (!algorithm) return undefined;
  const url = new URL(String(metadata['jwks_uri']));
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: algorithm, use: 'sig' };
  web.set(`/${url.host}${url.pathname}`, { body: { keys: [jwk] } });
  return keys.privateKey;
}

describe.each([...TOOLS, ...HOSTED])('$client', (profile) => {
  it('connects, is known to the MCP server, refreshes and goes', async () => {
    const { scope, audience = LIBRARY, idToken } = profile.expects;
    const as = audience === ORIGIN ? AT_ORIGIN : SERVER;
    const client = await known(profile);
    const { callback, redeemed, refresh, revoke } = await replayed(
      server,
      profile,
      client,
      await keyOf(profile),
    );

    const { searchParams } = new URL(callback);
    expect(callback.startsWith(`${profile.redirectUri}?`), callback).toBe(true);
    expect(searchParams.getAll('state')).toEqual([profile.state]);
    expect(searchParams.getAll('iss')).toEqual([server.issuer]);

    expect([redeemed.status, redeemed.body.error_description]).toEqual([200, undefined]);
    expect(redeemed.body).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      scope,
      ...(idToken && { id_token: expect.any(String) }),
    });
    const seen = await introspect(server, redeemed.body.access_token, as);
    expect(seen).toMatchObject({ active: true, aud: audience, client_id: client.client_id, scope });

    const refreshed = await refresh(redeemed.body.refresh_token, scope);
    expect([refreshed.status, refreshed.body.scope]).toEqual([200, scope]);
    expect((await introspect(server, refreshed.body.access_token, as)).active).toBe(true);

    expect((await revoke(refreshed.body.refresh_token)).status).toBe(200);
    expect(await introspect(server, refreshed.body.access_token, as)).toEqual({ active: false });
    const gone = await refresh(refreshed.body.refresh_token, scope);
    expect([gone.status, gone.body.error]).toEqual([400, 'invalid_grant']);
  });
});
