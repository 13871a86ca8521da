// Resource indicators (RFC 8707): a token is for one server, named by the client as it likes to spell it and
// written as the operator wrote it; a wrong name costs neither the code nor the refresh token.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authorize,
  authorizeUrl,
  claimsOf,
  connect,
  errorOf,
  get,
  introspect,
  redirectOf,
  register,
} from '../support/flow.ts';
import type { Person } from '../support/person.ts';
import {
  basicConfig,
  OTHER_RESOURCE,
  OTHER_SERVER,
  RESOURCE,
  type Server,
  startServer,
} from '../support/server.ts';

const BARE = 'https://bare.example';

let server: Server;
let alex: Person;
beforeAll(async () => {
  server = await startServer({
    config: {
      resources: [
        ...basicConfig.resources,
        {
          uri: BARE,
          name: 'Bare',
          scopes: [{ name: 'bare:use', description: 'Use it', default: true, tools: [] }],
        },
      ],
    },
  });
  alex = await server.signedIn();
});
afterAll(() => server.close());

async function refusedFor(resource: string | string[] | undefined): Promise<string | undefined> {
  const { client_id } = await register(server);
  return errorOf(redirectOf(await get(authorizeUrl(server, { client_id, resource }))))['error'];
}

describe('a resource is refused as invalid_target', () => {
  it.each([
    'https://unknown.example/mcp',
    'not a uri',
    '/mcp',
    `${RESOURCE}#`,
    `${RESOURCE}#tools`,
    `${RESOURCE}/`,
    `${RESOURCE}?x=1`,
    `${RESOURCE}/other`,
    RESOURCE.replace('/mcp', '/MCP'),
    RESOURCE.replace('/mcp', '/%6dcp'),
    RESOURCE.replace('/mcp', ''),
    RESOURCE.replace('http:', 'https:'),
    RESOURCE.replace('4100', '4101'),
    RESOURCE.replace('127.0.0.1', 'localhost'),
    RESOURCE.replace('127.0.0.1', 'user@127.0.0.1'),
    `${BARE}//`,
    `${BARE}.`,
    'x'.repeat(3000),
  ])('when it is not one of ours: %j', async (resource) => {
    expect(await refusedFor(resource)).toBe('invalid_target');
  });

  it('when it is left out and there are several that it could be', async () => {
    expect(await refusedFor(undefined)).toBe('invalid_target');
    expect(await refusedFor('')).toBe('invalid_target');
  });

  it('when one of two is unknown', async () => {
    expect(await refusedFor([RESOURCE, 'https://unknown.example/mcp'])).toBe('invalid_target');
  });
});

describe('a token is for the resource as its operator wrote it', () => {
  it.each([
    [RESOURCE, RESOURCE],
    [RESOURCE.replace('http', 'HTTP'), RESOURCE],
    ['HTTPS://Bare.Example', BARE],
    [`${BARE}/`, BARE],
    [`${BARE}:443`, BARE],
    [`${BARE}:443/`, BARE],
  ])('when the client spells it %s', async (resource, audience) => {
    const params = { resource, scope: undefined };
    const { tokens, refresh } = await connect(server, { by: alex, params });
    expect(claimsOf(tokens.access_token)['aud']).toBe(audience);
    // the same spelling again, as the SDKs send it on a refresh
    const { status, body } = await refresh(tokens.refresh_token, { resource });
    expect([status, claimsOf(body.access_token)['aud']]).toEqual([200, audience]);
  });

  it('when the client names it with the code as well, or only at first', async () => {
    const once = await authorize(server, { by: alex });
    expect(claimsOf((await once.redeemWith()).body.access_token)['aud']).toBe(RESOURCE);
    const twice = await authorize(server, { by: alex });
    expect(claimsOf((await twice.redeemWith({ resource: RESOURCE })).body.access_token)['aud']).toBe(
      RESOURCE,
    );
  });
});

describe('a wrong resource at the token endpoint', () => {
  it.each(['https://unknown.example/mcp', OTHER_RESOURCE, `${RESOURCE}/`, `${RESOURCE}#x`])(
    '%s is invalid_target and burns neither code nor refresh token',
    async (resource) => {
      const { redeemWith, refresh } = await connectLater();
      const wrong = await redeemWith({ resource });
      expect([wrong.status, wrong.body.error]).toEqual([400, 'invalid_target']);
      const { status, body } = await redeemWith();
      expect(status).toBe(200);
      const again = await refresh(body.refresh_token, { resource });
      expect([again.status, again.body.error]).toEqual([400, 'invalid_target']);
      expect((await refresh(body.refresh_token)).status).toBe(200);
      expect((await introspect(server, body.access_token)).active).toBe(true);
    },
  );
});

async function connectLater() {
  const authorized = await authorize(server, { by: alex });
  const refresh = (refresh_token: string, more: Record<string, string> = {}) =>
    server.post('/token', {
      grant_type: 'refresh_token',
      refresh_token,
      client_id: authorized.client.client_id,
      ...more,
    });
  return { ...authorized, refresh };
}

describe('a token of one resource', () => {
  it('is nothing to the server of another', async () => {
    const { tokens } = await connect(server, { by: alex });
    expect(await introspect(server, tokens.access_token, OTHER_SERVER)).toEqual({ active: false });
    const other = await connect(server, {
      by: alex,
      params: { resource: OTHER_RESOURCE, scope: 'other:use' },
    });
    expect(await introspect(server, other.tokens.access_token)).toEqual({ active: false });
    expect((await introspect(server, other.tokens.access_token, OTHER_SERVER)).active).toBe(true);
  });

  it('carries no scope of another', async () => {
    const { tokens } = await connect(server, {
      by: alex,
      params: { scope: 'library:read other:use bare:use' },
    });
    expect(tokens.scope).toBe('library:read');
  });
});

it('where there is only one resource it is meant when none is named, at both endpoints', async () => {
  const one = await startServer({ config: { resources: basicConfig.resources.slice(0, 1) } });
  try {
    const { tokens, refresh } = await connect(one, { params: { resource: undefined } });
    expect(claimsOf(tokens.access_token)['aud']).toBe(RESOURCE);
    expect(claimsOf((await refresh(tokens.refresh_token)).body.access_token)['aud']).toBe(RESOURCE);
  } finally {
    await one.close();
  }
});

it('where there are several, the one that the operator calls the default is meant', async () => {
  const several = await startServer({ config: { policy: { default_resource: RESOURCE } } });
  try {
    const { tokens } = await connect(several, { params: { resource: undefined } });
    expect(claimsOf(tokens.access_token)['aud']).toBe(RESOURCE);
  } finally {
    await several.close();
  }
});
