// Trying out tokens at the introspection endpoint (RFC 7662 §4): made slow, for the server that is used for it alone,
// and never at the cost of a token that is one.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect, introspect } from '../support/flow.ts';
import { OTHER_RESOURCE, OTHER_SERVER, SERVER, type Server, startServer } from '../support/server.ts';

// a hundred for every wrong password
const BUDGET = 200;
const guess = (): string => randomBytes(32).toString('base64url');
const forged = (): string => `${btoa('{"alg":"ES256"}')}.${btoa('{}')}.${guess()}`;

describe('a server that asks about tokens that nobody was given', () => {
  let server: Server;
  let jwt: string;
  let opaque: string;
  beforeAll(async () => {
    server = await startServer({ config: { limits: { sign_ins: 2, registrations: 0 } } });
    jwt = (await connect(server)).tokens.access_token;
    const other = { params: { resource: OTHER_RESOURCE, scope: 'other:use' } };
    opaque = (await connect(server, other)).tokens.access_token;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() }); // or the budget would come back meanwhile
    for (let n = 0; n < BUDGET; n += 1) {
      const answer = await server.post('/introspect', { token: n % 2 ? guess() : forged() }, SERVER);
      expect([answer.status, answer.body]).toEqual([200, { active: false }]);
    }
  });
  afterAll(async () => {
    vi.useRealTimers();
    await server?.close();
  });

  it.each([
    ['opaque', guess],
    ['forged', forged],
  ])('has to wait in the end: %s', async (_kind, token) => {
    const { status, headers, body } = await server.post('/introspect', { token: token() }, SERVER);
    expect([status, body.error]).toEqual([429, 'temporarily_unavailable']);
    expect(headers.get('retry-after')).toBe('60');
  });

  it('is told the truth of a true token all the while', async () => {
    expect(await introspect(server, jwt)).toMatchObject({ active: true });
  });

  it('makes no other server wait', async () => {
    expect(await introspect(server, opaque, OTHER_SERVER)).toMatchObject({ active: true });
    expect(await introspect(server, guess(), OTHER_SERVER)).toEqual({ active: false });
  });

  it('fills no record with it', async () => {
    const refused = await server.rooms.audit.latest(500);
    expect(refused.filter(({ action }) => action === 'introspection.refused')).toEqual([]);
  });

  it('is told that a token is over, which was one, and that one is not for it', async () => {
    expect(await introspect(server, opaque)).toEqual({ active: false });
    vi.setSystemTime(Date.now() + 601_000);
    // the budget comes back as time goes by; used up again, what has run out is no guess
    for (let n = 0; n <= BUDGET; n += 1) await server.post('/introspect', { token: guess() }, SERVER);
    expect((await server.post('/introspect', { token: guess() }, SERVER)).status).toBe(429);
    expect(await introspect(server, jwt)).toEqual({ active: false });
  });
});
