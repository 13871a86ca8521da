// MCP servers that prove themselves with a key (private_key_jwt) where they introspect and where they exchange tokens.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asserted, assertion, type ClientKey, clientKey } from '../support/assertion.ts';
import { documentHost, testDoor } from '../support/documents.ts';
import { ACCESS_TOKEN, keep, TOKEN_EXCHANGE, vaultConfig } from '../support/exchange.ts';
import { connect } from '../support/flow.ts';
import { OTHER_RESOURCE, RESOURCE, SERVER, type Server, startServer } from '../support/server.ts';

const LIBRARY = 'library-with-a-key';
const OTHER = 'other-by-address';

let server: Server;
let host: Awaited<ReturnType<typeof documentHost>>;
let key: ClientKey;
let others: ClientKey;
let library: string; // a token for the library
let other: string;
beforeAll(async () => {
  host = await documentHost();
  [key, others] = [await clientKey(), await clientKey('EdDSA', 'k2')];
  host.set('/keys', { body: { keys: [others.jwk] } });
  const servers: Record<string, object> = {
    [RESOURCE]: { id: LIBRARY, jwks: { keys: [key.jwk] } },
    [OTHER_RESOURCE]: { id: OTHER, jwks_uri: `${host.origin}/keys` },
  };
  const { resources, upstreams } = vaultConfig();
  server = await startServer({
    config: { upstreams, resources: resources.map((each) => ({ ...each, server: servers[each.uri] })) },
    outbound: testDoor(),
  });
  library = (await connect(server)).tokens.access_token;
  const params = { resource: OTHER_RESOURCE, scope: 'other:use' };
  other = (await connect(server, { params })).tokens.access_token;
});
afterAll(async () => {
  await server?.close();
  await host?.close();
});

const signed = async (by: ClientKey, id: string) => asserted(await assertion(by, id, server.issuer));
const ask = (token: string, proof: Record<string, string>) => server.post('/introspect', { token, ...proof });

describe('an MCP server with a key', () => {
  it('introspects what was made for it, its keys standing in the configuration or at an address', async () => {
    expect((await ask(library, await signed(key, LIBRARY))).body).toMatchObject({ active: true });
    expect((await ask(other, await signed(others, OTHER))).body).toMatchObject({ active: true });
    expect((await ask(library, await signed(others, OTHER))).body).toEqual({ active: false });
  });

  it('exchanges the token of a person for one of an upstream', async () => {
    const kept = await keep(server);
    const { status, body } = await server.post('/token', {
      grant_type: TOKEN_EXCHANGE,
      subject_token: library,
      subject_token_type: ACCESS_TOKEN,
      audience: 'company',
      ...(await signed(key, LIBRARY)),
    });
    expect([status, body.access_token]).toEqual([200, kept]);
  });

  it('is believed once for every assertion', async () => {
    const proof = await signed(key, LIBRARY);
    expect((await ask(library, proof)).status).toBe(200);
    expect([(await ask(library, proof)).status, (await ask(library, proof)).body.error]).toEqual([
      401,
      'invalid_client',
    ]);
  });

  it.each<[string, () => Promise<Record<string, string>>]>([
    ["another server's key", () => signed(others, LIBRARY)],
    ['a key that nobody registered', async () => signed(await clientKey(), LIBRARY)],
    ['a signature made for another server', async () => asserted(await assertion(key, LIBRARY, RESOURCE))],
    ['its id alone', async () => ({ client_id: LIBRARY })],
    ['a secret', async () => ({ client_id: LIBRARY, client_secret: SERVER.secret })],
  ])('is refused with %s', async (_what, proof) => {
    const { status, body } = await ask(library, await proof());
    expect([status, body.error]).toEqual([401, 'invalid_client']);
  });
});
