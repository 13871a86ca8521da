// Refresh tokens (RFC 6749 §6, RFC 9700 §4.14.2): every use makes a successor. Honest clients race and lose answers,
// so a used one is forgiven for a while and until its successor is used; after that it is theft, and the family ends.

import { describe, expect, it } from 'vitest';
import {
  type Answer,
  type Connected,
  claimsOf,
  connect,
  durably,
  grantOf,
  introspect,
  register,
  slowReads,
} from '../support/flow.ts';
import { later } from '../support/later.ts';
import { alex, server } from '../support/signed-in.ts';

const DAY = 24 * 3600_000;

const isRefused = ({ status, body }: Answer) => expect([status, body.error]).toEqual([400, 'invalid_grant']);

async function isLive({ refresh }: Connected, token: string): Promise<void> {
  expect((await refresh(token)).status).toBe(200);
}

describe('a refresh', () => {
  it('gives a new access token and a new refresh token, and says the scope again', async () => {
    const { tokens, refresh } = await connect(server, { by: alex });
    const { status, headers, body } = await refresh(tokens.refresh_token);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 600,
      scope: 'library:read library:write',
    });
    expect(body.refresh_token).not.toBe(tokens.refresh_token);
    const [before, now] = [claimsOf(tokens.access_token), claimsOf(body.access_token)];
    for (const claim of ['sub', 'aud', 'client_id', 'scope', 'grant_id', 'grant_version', 'family_id']) {
      expect([claim, now[claim]]).toEqual([claim, before[claim]]);
    }
  });

  it('leaves the access token that was given before alive', async () => {
    const { tokens, refresh } = await connect(server, { by: alex });
    await refresh(tokens.refresh_token);
    expect((await introspect(server, tokens.access_token)).active).toBe(true);
  });

  it('can be done many times over', async () => {
    const { tokens, refresh } = await connect(server, { by: alex });
    let token = tokens.refresh_token;
    for (let round = 0; round < 5; round += 1) {
      const { status, body } = await refresh(token);
      expect(status).toBe(200);
      token = body.refresh_token;
    }
  });

  it('is not for a client that has not registered for it', async () => {
    const metadata = { grant_types: ['authorization_code'] };
    const { tokens } = await connect(server, { by: alex, metadata });
    expect(tokens).not.toHaveProperty('refresh_token');
  });
});

describe('a refresh token used again', () => {
  it('within two minutes, its successor unused, gives the same successor', async () => {
    const { tokens, refresh } = await connect(server, { by: alex });
    const first = await refresh(tokens.refresh_token);
    later(119_000);
    const second = await refresh(tokens.refresh_token);
    expect([second.status, second.body.refresh_token]).toEqual([200, first.body.refresh_token]);
  });

  it('after its successor was used ends the family', async () => {
    const { tokens, refresh } = await connect(server, { by: alex });
    const { body: first } = await refresh(tokens.refresh_token);
    const { body: second } = await refresh(first.refresh_token);
    isRefused(await refresh(tokens.refresh_token));
    isRefused(await refresh(second.refresh_token));
    expect(await introspect(server, second.access_token)).toEqual({ active: false });
  });

  it('after two minutes ends the family', async () => {
    const { tokens, refresh } = await connect(server, { by: alex });
    const { body } = await refresh(tokens.refresh_token);
    later(121_000);
    isRefused(await refresh(tokens.refresh_token));
    isRefused(await refresh(body.refresh_token));
  });

  it('ends no other installation of the same client, and the record says why', async () => {
    const other = await connect(server, { by: alex });
    const stolen = await connect(server, { by: alex, client: other.client });
    const { body } = await stolen.refresh(stolen.tokens.refresh_token);
    await stolen.refresh(body.refresh_token);
    await stolen.refresh(stolen.tokens.refresh_token);
    await isLive(other, other.tokens.refresh_token);
    const events = await server.rooms.audit.latest(20);
    expect(events).toContainEqual(expect.objectContaining({ action: 'family.ended', reason: 'reuse' }));
  });

  it('by another client is refused and ends nothing', async () => {
    const honest = await connect(server, { by: alex });
    const { body } = await honest.refresh(honest.tokens.refresh_token);
    const next = await honest.refresh(body.refresh_token);
    const evil = await register(server);
    isRefused(await honest.refresh(honest.tokens.refresh_token, { client_id: evil.client_id }));
    await isLive(honest, next.body.refresh_token);
  });
});

describe('a refresh token is refused, and stays good for its owner', () => {
  it('when another client brings it', async () => {
    const honest = await connect(server, { by: alex });
    const evil = await register(server);
    isRefused(await honest.refresh(honest.tokens.refresh_token, { client_id: evil.client_id }));
    await isLive(honest, honest.tokens.refresh_token);
  });

  it('when its confidential client does not show its secret', async () => {
    const metadata = { token_endpoint_auth_method: 'client_secret_post' };
    const { client, tokens } = await connect(server, { by: alex, metadata });
    const fields = {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
      client_id: client.client_id,
    };
    for (const more of [{}, { client_secret: 'wrong' }, { client_secret: '' }]) {
      const { status, body } = await server.post('/token', { ...fields, ...more });
      expect([status, body.error]).toEqual([401, 'invalid_client']);
    }
    const right = await server.post('/token', { ...fields, client_secret: client.client_secret ?? '' });
    expect(right.status).toBe(200);
  });

  it.each(['', 'nonsense', 'x'.repeat(4000), 'a.b.c'])('%j was never one', async (token) => {
    const { refresh } = await connect(server, { by: alex });
    const { status, body } = await refresh(token);
    expect(status).toBe(400);
    expect(['invalid_grant', 'invalid_request']).toContain(body.error);
  });
});

describe('the scope of a refresh', () => {
  it('can be narrower, for that access token alone', async () => {
    const { tokens, refresh } = await connect(server, { by: alex });
    const narrow = await refresh(tokens.refresh_token, { scope: 'library:read' });
    expect([narrow.status, narrow.body.scope]).toEqual([200, 'library:read']);
    const whole = await refresh(narrow.body.refresh_token);
    expect(whole.body.scope).toBe('library:read library:write');
  });

  it.each([
    'library:read library:write',
    'library:read library:write offline_access',
    'offline_access',
    ' ',
    '',
  ])('as clients repeat it, %j, is what was granted', async (scope) => {
    const { tokens, refresh } = await connect(server, { by: alex });
    const { status, body } = await refresh(tokens.refresh_token, { scope });
    expect([status, body.scope]).toEqual([200, 'library:read library:write']);
  });

  it('is never wider than what was granted, and asking for more costs nothing', async () => {
    const { tokens, refresh } = await connect(server, { by: alex, params: { scope: 'library:read' } });
    const wider = await refresh(tokens.refresh_token, { scope: 'library:read library:write' });
    if (wider.status === 200) expect(wider.body.scope).toBe('library:read');
    else {
      expect([wider.status, wider.body.error]).toEqual([400, 'invalid_scope']);
      expect((await refresh(tokens.refresh_token)).status).toBe(200);
    }
  });

  it('shrinks when the person takes a scope away', async () => {
    const { client, tokens, refresh } = await connect(server, { by: alex });
    await connect(server, { by: alex, client, untick: ['add_book', 'remove_book'] });
    const { status, body } = await refresh(tokens.refresh_token);
    expect([status, body.scope]).toEqual([200, 'library:read']);
  });
});

describe('a refresh token lives as long as the decision it hangs from', () => {
  it('and not as long as the browser is signed in', async () => {
    const person = server.alex();
    const connection = await connect(server, { by: person });
    const page = await person.visit(`${server.issuer}/sign-out`);
    await person.send(page, (form) => form.action.endsWith('/sign-out'));
    expect((await person.visit(`${server.issuer}/connections`)).url.pathname).toBe('/sign-in');
    await isLive(connection, connection.tokens.refresh_token);
    later(30 * DAY);
    const other = await connect(server, { by: server.alex() });
    await isLive(other, other.tokens.refresh_token);
  });

  it('and dies with it, at once', async () => {
    const { tokens, refresh } = await connect(server, { by: alex });
    await durably(server, (work) => server.rooms.grants.end(work, grantOf(tokens.access_token), 'a test'));
    isRefused(await refresh(tokens.refresh_token));
  });

  it('and rests while its account is disabled', async () => {
    const connection = await connect(server, { by: alex });
    await durably(server, (work) => server.rooms.accounts.setDisabled(work, 'alex', true));
    isRefused(await connection.refresh(connection.tokens.refresh_token));
    await durably(server, (work) => server.rooms.accounts.setDisabled(work, 'alex', false));
    await isLive(connection, connection.tokens.refresh_token);
  });

  it('and runs out after 60 days without use', async () => {
    const idle = await connect(server, { by: alex });
    const used = await connect(server, { by: alex });
    later(40 * DAY);
    const { body } = await used.refresh(used.tokens.refresh_token);
    later(30 * DAY);
    isRefused(await idle.refresh(idle.tokens.refresh_token));
    await isLive(used, body.refresh_token);
  });

  it('and runs out after a year, however often it is used', async () => {
    const { tokens, refresh } = await connect(server, { by: alex });
    let token = tokens.refresh_token;
    for (let day = 50; day < 365; day += 50) {
      later(50 * DAY);
      const { status, body } = await refresh(token);
      expect(status).toBe(200);
      token = body.refresh_token;
    }
    later(20 * DAY);
    isRefused(await refresh(token));
  });
});

// Last, because it slows the server down.
it('of eight refreshes that race all succeed, with one successor, which works', async () => {
  const { tokens, refresh } = await connect(server, { by: alex });
  slowReads(server);
  const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(tokens.refresh_token)));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  const successors = new Set(answers.map(({ body }) => body.refresh_token));
  expect(successors.size).toBe(1);
  expect((await refresh([...successors][0] ?? '')).status).toBe(200);
});
