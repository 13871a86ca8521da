// RFC 8693: an MCP server gets a token of an upstream for a person, or is refused. THREATS J01–J06, J10–J13, J27.

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  ACCESS_TOKEN,
  connected,
  exchange,
  keep,
  startVaultServer,
  TOKEN_EXCHANGE,
} from '../support/exchange.ts';
import { claimsOf, connect, durably, grantOf, introspect, register } from '../support/flow.ts';
import { OTHER_RESOURCE, OTHER_SERVER, RESOURCE, SERVER, type Server } from '../support/server.ts';

let server: Server;
beforeAll(async () => {
  server = await startVaultServer();
}, 60_000);
afterAll(() => server.close());
afterEach(() => void vi.useRealTimers());

const LIBRARY_ONLY = ['library:read search_books'];
const refusal = async (answer: ReturnType<typeof exchange>) => {
  const { status, body } = await answer;
  expect(JSON.stringify(body)).not.toContain('upstream-');
  return [status, body.error];
};
const deliveries = async () =>
  (await server.rooms.audit.latest(500)).filter(({ action }) => action === 'upstream.token_delivered');

describe('what is delivered', () => {
  it('a token of a real flow becomes a token of the upstream, and nothing more than that', async () => {
    const kept = await keep(server);
    const { tokens } = await connected(server);
    const { status, headers, body } = await exchange(server, tokens.access_token);
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toEqual({
      access_token: kept,
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      scope: 'openid offline_access calendar:read',
    });
    expect(body.expires_in).toBeGreaterThan(0);
    expect(body.expires_in).toBeLessThanOrEqual(600); // the person's token lives no longer
  });

  it('it is written down before it leaves: who, for whom, which upstream, and never the token', async () => {
    const kept = await keep(server);
    const { tokens, client } = await connected(server);
    await exchange(server, tokens.access_token);
    const [record] = await deliveries();
    expect(record).toMatchObject({
      accountId: server.account.id,
      clientId: client.client_id,
      resource: RESOURCE,
      grantId: grantOf(tokens.access_token),
      detail: { upstream: 'company', actor: SERVER.id },
    });
    expect(JSON.stringify(record)).not.toContain(kept);
    expect(server.log()).not.toContain(kept);
  });

  it('it lives no longer than the shorter of both tokens', async () => {
    await keep(server, { expiresIn: 90_000 });
    const { tokens } = await connected(server);
    const { body } = await exchange(server, tokens.access_token);
    expect(body.expires_in).toBeLessThanOrEqual(90);
    vi.useFakeTimers({ toFake: ['Date'], now: Number(claimsOf(tokens.access_token)['exp']) * 1000 - 10_000 });
    await keep(server);
    expect((await exchange(server, tokens.access_token)).body.expires_in).toBeLessThanOrEqual(10);
    vi.setSystemTime(Number(claimsOf(tokens.access_token)['exp']) * 1000 + 1);
    expect(await refusal(exchange(server, tokens.access_token))).toEqual([400, 'invalid_request']);
  });

  it('a record that cannot be written keeps the secret here', async () => {
    const kept = await keep(server);
    const { tokens } = await connected(server);
    const { audit } = server.rooms.storage;
    const append = vi
      .spyOn(audit, 'append')
      .mockImplementation(() => ({ sql: 'INSERT INTO nowhere VALUES (1)', params: [] }));
    const { status, body } = await exchange(server, tokens.access_token);
    append.mockRestore();
    expect(status).toBeGreaterThanOrEqual(500);
    expect(JSON.stringify(body)).not.toContain(kept);
  });
});

describe('who may ask', () => {
  it('no client, however it authenticates, and no server that is none', async () => {
    await keep(server);
    const { tokens, client } = await connected(server);
    const confidential = await register(server, { token_endpoint_auth_method: 'client_secret_basic' });
    const as = { id: confidential.client_id, secret: confidential.client_secret ?? '' };
    expect((await exchange(server, tokens.access_token, {}, as)).body.error).toBe('unauthorized_client');
    const { body } = await server.post('/token', {
      grant_type: TOKEN_EXCHANGE,
      client_id: client.client_id,
      subject_token: tokens.access_token,
      subject_token_type: ACCESS_TOKEN,
      audience: 'company',
    });
    expect(body.error).toBe('unauthorized_client');
    const wrong = { ...SERVER, secret: 'a-wrong-secret-of-the-library' };
    expect(await refusal(exchange(server, tokens.access_token, {}, wrong))).toEqual([401, 'invalid_client']);
  });

  it('only the server that the token is for', async () => {
    await keep(server);
    const { tokens } = await connected(server);
    expect(await refusal(exchange(server, tokens.access_token, {}, OTHER_SERVER))).toEqual([
      400,
      'invalid_request',
    ]);
    const other = await connect(server, { params: { resource: OTHER_RESOURCE, scope: 'other:use' } });
    expect(await refusal(exchange(server, other.tokens.access_token))).toEqual([400, 'invalid_request']);
    // and for that server no upstream is configured
    expect(await refusal(exchange(server, other.tokens.access_token, {}, OTHER_SERVER))).toEqual([
      400,
      'invalid_target',
    ]);
  });

  it('nothing but an access token that counts: no refresh token, code, ID token, upstream token or noise', async () => {
    const kept = await keep(server);
    const authorized = await connected(server, { params: { scope: 'openid library:read' } });
    const { refresh_token, access_token } = authorized.tokens;
    const id = (authorized.tokens as Record<string, unknown>)['id_token'];
    const forged = `${access_token.slice(0, -6)}AAAAAA`;
    for (const subject of [refresh_token, authorized.code, String(id), kept, forged, 'noise', '..', ''])
      expect(await refusal(exchange(server, subject)), subject).toEqual([400, 'invalid_request']);
  });

  it('the person is whom the token names, whatever else is sent along', async () => {
    const { tokens } = await connected(server);
    const accountId = `victim-${Math.random()}`;
    await keep(server, { accountId });
    const mine = await keep(server);
    const { body } = await exchange(server, tokens.access_token, {
      sub: accountId,
      user_id: accountId,
      account_id: accountId,
      subject: accountId,
    });
    expect(body.access_token).toBe(mine);
  });
});

describe('what must stand behind it', () => {
  it("the person's word for this app: what another app was allowed does not count", async () => {
    await keep(server);
    await connected(server);
    const other = await connected(server, { only: LIBRARY_ONLY });
    const { status, body } = await exchange(server, other.tokens.access_token);
    expect([status, body.error]).toEqual([400, 'connect_required']);
    expect(body.connect_uri).toMatch(new RegExp(`^${server.issuer}/connect/[\\w-]{43}$`));
  });

  it('grant, family, account and connection, as of now', async () => {
    const alex = server.alex();
    const ends: Record<string, (token: string) => Promise<unknown>> = {
      grant: (token) =>
        durably(server, (work) => server.rooms.grants.end(work, grantOf(token), 'ended_by_person')),
      family: (token) =>
        durably(server, (work) =>
          server.rooms.grants.endFamily(work, String(claimsOf(token)['family_id']), 'x'),
        ),
      token: (token) =>
        durably(server, (work) =>
          server.rooms.grants.revokeToken(work, String(claimsOf(token)['jti']), Date.now() + 600_000),
        ),
    };
    for (const [what, end] of Object.entries(ends)) {
      await keep(server);
      const { tokens } = await connected(server, { by: alex });
      expect((await exchange(server, tokens.access_token)).status, what).toBe(200);
      await end(tokens.access_token);
      expect(await refusal(exchange(server, tokens.access_token)), what).toEqual([400, 'invalid_request']);
    }
    await keep(server);
    const { tokens } = await connected(server, { by: alex });
    const { vault } = server.rooms;
    const [held] = await vault.list(server.account.id);
    await durably(server, (work) => vault.end(work, server.account.id, held?.id ?? '', 'ended_by_person'));
    expect((await exchange(server, tokens.access_token)).body).toMatchObject({ error: 'connect_required' });
  });

  it('J11: an account or an app that is stopped gets nothing, and all of it again when it is not', async () => {
    await keep(server);
    const { tokens, client } = await connected(server);
    const { accounts, clients } = server.rooms;
    const stops: Record<string, (stopped: boolean) => Promise<unknown>> = {
      account: (stopped) => durably(server, (work) => accounts.setDisabled(work, 'alex', stopped)),
      app: (stopped) => durably(server, (work) => clients.setDisabled(work, client.client_id, stopped)),
    };
    for (const [what, stop] of Object.entries(stops)) {
      await stop(true);
      expect(await refusal(exchange(server, tokens.access_token)), what).toEqual([400, 'invalid_request']);
      await stop(false);
      expect((await exchange(server, tokens.access_token)).status, what).toBe(200);
    }
  });

  it('J02: a key that is pasted is as well guarded as a token', async () => {
    await durably(server, (work) =>
      server.rooms.vault.connectKey(work, {
        accountId: server.account.id,
        upstream: 'weather',
        key: 'upstream-key-0123456789',
      }),
    );
    const { tokens } = await connected(server);
    const audience = 'weather';
    expect((await exchange(server, tokens.access_token, { audience })).body).toMatchObject({
      access_token: 'upstream-key-0123456789',
      token_type: 'Bearer',
    });
    const other = await connected(server, { only: LIBRARY_ONLY });
    expect((await exchange(server, other.tokens.access_token, { audience })).body.error).toBe(
      'connect_required',
    );
    expect(await refusal(exchange(server, tokens.access_token, { audience }, OTHER_SERVER))).toEqual([
      400,
      'invalid_request',
    ]);
  });

  it('the end of the last connection that uses an upstream ends what the vault holds of it', async () => {
    await keep(server);
    const { tokens, person } = await connected(server);
    await durably(server, (work) => server.rooms.grants.endAll(work, server.account.id, 'ended_by_person'));
    expect(await server.rooms.vault.list(server.account.id)).toEqual([]);
    expect(await refusal(exchange(server, tokens.access_token))).toEqual([400, 'invalid_request']);
    expect(person).toBeDefined();
  });

  it('a target that is configured for it, and scopes inside what is configured', async () => {
    await keep(server);
    const { tokens } = await connected(server);
    const ask = (changes: Record<string, string | undefined>) =>
      refusal(exchange(server, tokens.access_token, changes));
    expect(await ask({ audience: 'door' })).toEqual([400, 'invalid_target']);
    expect(await ask({ audience: 'nothing' })).toEqual([400, 'invalid_target']);
    expect(await ask({ audience: undefined })).toEqual([400, 'invalid_request']);
    expect(await ask({ resource: 'https://api.acme.example/' })).toEqual([400, 'invalid_target']);
    expect(await ask({ scope: 'calendar:write' })).toEqual([400, 'invalid_scope']);
    expect(await ask({ scope: '*' })).toEqual([400, 'invalid_scope']);
    expect(
      (await exchange(server, tokens.access_token, { scope: 'calendar:read calendar:write' })).status,
    ).toBe(200);
    expect(await ask({ subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' })).toEqual([
      400,
      'invalid_request',
    ]);
    expect(await ask({ subject_token_type: undefined })).toEqual([400, 'invalid_request']);
    expect(await ask({ requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' })).toEqual([
      400,
      'invalid_request',
    ]);
    expect(await ask({ actor_token: tokens.access_token, actor_token_type: ACCESS_TOKEN })).toEqual([
      400,
      'invalid_request',
    ]);
  });

  it('a token of the upstream is no token here', async () => {
    const kept = await keep(server);
    expect((await introspect(server, kept)).active).toBe(false);
  });
});

it('the metadata says that tokens can be exchanged only where there is something to exchange them for', async () => {
  const url = `${server.issuer}/.well-known/oauth-authorization-server`;
  const { grant_types_supported } = (await (await fetch(url)).json()) as { grant_types_supported: string[] };
  expect(grant_types_supported).toContain(TOKEN_EXCHANGE);
});
