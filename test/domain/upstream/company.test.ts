// Against a real OpenID provider, which knows nothing of us: what an honest upstream does works.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLIENT, company, visit } from '../../support/upstream-company.ts';
import { connectorTo, REDIRECT, trip } from '../../support/upstream-trip.ts';

const VAULT = ['openid', 'profile', 'email', 'calendar:read', 'calendar:write'];

let acme: Awaited<ReturnType<typeof company>>;
beforeAll(async () => {
  acme = await company(REDIRECT);
});
afterAll(() => acme.close());

const connector = () =>
  connectorTo({
    issuer: acme.issuer,
    clientId: CLIENT.id,
    secret: CLIENT.secret,
    vault: { scopes: ['calendar:read', 'calendar:write'] },
  });

async function connected(login = 'kim') {
  const upstream = connector();
  const given = trip({ scopes: VAULT });
  const url = await upstream.authorizationUrl(given);
  return { upstream, ...(await upstream.redeem(given, await visit(url, REDIRECT, login))) };
}

const calendar = (accessToken: string) =>
  fetch(acme.calendar, { headers: { authorization: `Bearer ${accessToken}` } });

describe('a person who signs in at the company', () => {
  test('is known by issuer and subject, with name, verified address, its domain, and groups', async () => {
    const upstream = connector();
    const given = trip();
    const callback = await visit(await upstream.authorizationUrl(given), REDIRECT, 'sam');
    const { person, tokens } = await upstream.redeem(given, callback);
    expect(person).toEqual({
      issuer: acme.issuer,
      subject: 'sam',
      name: 'Sam Roy',
      username: 'sam',
      email: 'sam@acme.example',
      emailVerified: true,
      domain: 'acme.example',
      groups: ['staff'],
    });
    expect(tokens).toMatchObject({ scopes: ['openid', 'profile', 'email'], tokenType: 'Bearer' });
    expect(tokens.refreshToken).toBeUndefined();
    await expect(upstream.redeem(given, callback)).rejects.toMatchObject({ reason: 'upstream_code_refused' });
  });

  test('who cancels there is told so', async () => {
    const upstream = connector();
    const given = trip();
    const callback = await visit(await upstream.authorizationUrl(given), REDIRECT, 'cancel');
    await expect(upstream.redeem(given, callback)).rejects.toMatchObject({
      reason: 'upstream_denied',
      status: 403,
    });
  });
});

describe('a connection for the vault', () => {
  test('has a refresh token, which works once and brings the next', async () => {
    const { upstream, tokens } = await connected();
    expect(tokens.refreshToken).toBeDefined();
    expect((await calendar(tokens.accessToken)).status).toBe(200);
    const second = await upstream.refresh(tokens);
    expect(second.refreshToken).not.toBe(tokens.refreshToken);
    expect(second.scopes).toEqual(expect.arrayContaining(['calendar:read', 'calendar:write']));
    expect((await calendar(second.accessToken)).status).toBe(200);
    await expect(upstream.refresh(tokens)).rejects.toMatchObject({ reason: 'upstream_revoked' });
  });

  test('can be had with fewer scopes, and never with more', async () => {
    const { upstream, tokens } = await connected();
    expect(upstream.can).toEqual({
      signIn: true,
      refresh: true,
      revoke: true,
      groups: true,
      downScope: true,
    });
    const writing = await upstream.downScope?.(tokens, ['calendar:write']);
    expect(writing?.scopes).toEqual(['calendar:write']);
    expect((await calendar(writing?.accessToken ?? '')).status).toBe(403);
    const more = upstream.downScope?.(writing ?? expect.fail(), ['calendar:read']);
    await expect(more).rejects.toMatchObject({ reason: 'upstream_misconfigured' });
  });

  test('says what it can once it has been asked', async () => {
    const upstream = connector();
    expect(upstream.can.downScope).toBe(false);
    await upstream.learn?.();
    expect(upstream.can.downScope).toBe(true);
  });

  test('tells the groups as of now, and only of whom it is', async () => {
    const { upstream, tokens } = await connected();
    expect(await upstream.groups?.(tokens, 'kim')).toMatchObject({ groups: ['staff', 'librarians'] });
    await expect(upstream.groups?.(tokens, 'sam')).rejects.toMatchObject({ reason: 'upstream_misbehaved' });
  });

  test('ends there when it is revoked here', async () => {
    const { upstream, tokens } = await connected();
    await upstream.revoke(tokens);
    expect((await calendar(tokens.accessToken)).status).toBe(401);
    await expect(upstream.refresh(tokens)).rejects.toMatchObject({ reason: 'upstream_revoked' });
  });

  test('that was ended there is over here', async () => {
    const { upstream, tokens } = await connected();
    await acme.endConnections();
    await expect(upstream.refresh(tokens)).rejects.toMatchObject({ reason: 'upstream_revoked' });
    await expect(upstream.groups?.(tokens, 'kim')).rejects.toMatchObject({ reason: 'upstream_revoked' });
  });
});

test('a test of it finds everything in order, and the wrong secret', async () => {
  expect((await connector().test(REDIRECT)).filter(({ ok }) => !ok)).toEqual([]);
  const wrong = connectorTo({
    issuer: acme.issuer,
    clientId: CLIENT.id,
    secret: 'not the secret of anybody',
  });
  expect((await wrong.test(REDIRECT)).filter(({ ok }) => !ok)).toEqual([
    { ok: false, what: expect.stringMatching(/does not accept the client/), hint: expect.any(String) },
  ]);
});

test('a test of it finds out that it sends people back, and where it does not', async () => {
  const [back] = (await connector().test(REDIRECT)).filter(({ what }) => what.includes('redirect URI.'));
  expect(back).toEqual({ ok: true, what: 'It sends people back to the redirect URI.' });
  const elsewhere = `${REDIRECT}2`;
  expect((await connector().test(elsewhere)).filter(({ ok }) => !ok)).toEqual([
    {
      ok: false,
      what: expect.stringMatching(/does not know this redirect URI/),
      hint: `Register exactly ${elsewhere}`,
    },
  ]);
});
