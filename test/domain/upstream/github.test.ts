// GitHub as it is: no OpenID provider, errors with status 200, people who rename themselves.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Refusal } from '../../../src/errors.ts';
import { type GitHub, github, octo } from '../../support/github.ts';
import type { Mischief } from '../../support/upstream-mischief.ts';
import { connectorTo, REDIRECT, trip } from '../../support/upstream-trip.ts';

const TOKEN = '/login/oauth/access_token';

let hub: GitHub;
beforeEach(async () => {
  hub = await github();
});
afterEach(() => hub.close());

const SCOPES = ['read:user', 'user:email', 'read:org'];

const connector = (given: object = {}, of = hub) =>
  connectorTo({
    kind: 'github',
    name: 'github',
    label: 'GitHub',
    issuer: of.origin,
    clientId: of.clientId,
    secret: of.secret,
    scopes: SCOPES,
    ...given,
  });

async function signIn(upstream = connector(), login = 'octo', scopes = SCOPES, of = hub) {
  const given = trip({ scopes });
  return upstream.redeem(given, await of.visit(await upstream.authorizationUrl(given), login));
}

async function refused(work: Promise<unknown>): Promise<{ reason: string; why: string }> {
  const error = await work.then(
    () => expect.fail('it was not refused'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Refusal);
  const { reason, message, hint, cause } = error as Refusal;
  const why = (cause as Error).message;
  for (const said of [message, hint ?? '', why])
    expect(said).not.toMatch(/a secret at github|gh[our]_|<b>|<script/);
  return { reason, why };
}

test('a person is their number, as text, with name, primary address, organisations and teams', async () => {
  const { person, tokens } = await signIn();
  expect(person).toEqual({
    issuer: hub.origin,
    subject: '583231',
    name: 'Octo Cat',
    username: 'octo',
    email: 'octo@corp.example',
    emailVerified: true,
    domain: 'corp.example',
    groups: ['acme', 'hidden', 'acme/librarians'],
  });
  expect(tokens).toMatchObject({ tokenType: 'Bearer', expiresAt: null, scopes: SCOPES });
});

test('who is renamed stays who they are, and who takes the old login is somebody else', async () => {
  const before = (await signIn()).person;
  const [person = octo()] = hub.people;
  person.login = 'octavia';
  hub.people.push({ ...octo(), id: 9, login: 'octo' });
  const [renamed, taker] = [(await signIn(connector(), 'octavia')).person, (await signIn()).person];
  expect([renamed.subject, taker.subject]).toEqual([before.subject, '9']);
});

test.each<unknown>(['583231', 0, -1, 1.5, 2 ** 60, null])(
  'a person whose number is %j is nobody',
  async (id) => {
    hub.people[0] = { ...octo(), id: id as number };
    expect((await refused(signIn())).reason).toBe('upstream_misbehaved');
  },
);

describe('organisations', () => {
  test('that are private are told only where read:org was granted, and then the list says that it is not whole', async () => {
    const { person } = await signIn(connector(), 'octo', ['read:user', 'user:email']);
    expect(person).toMatchObject({ groups: ['acme'], groupsIncomplete: true });
  });

  test('are not asked for where nobody wants to know', async () => {
    const { person } = await signIn(connector({ scopes: ['read:user'] }));
    expect(person.groups).toEqual([]);
    expect(hub.asked('/api/v3/user/orgs')).toEqual([]);
    expect(connector({ scopes: ['read:user'] }).can.groups).toBe(false);
    expect(connector({ scopes: [], allow: { accounts: [], domains: [], groups: ['acme'] } }).can.groups).toBe(
      true,
    );
  });

  test('that were left since are gone when asked again, and more than the pages allow are not all', async () => {
    const upstream = connector();
    const { tokens } = await signIn(upstream);
    const [person = octo()] = hub.people;
    person.orgs = [{ login: 'other', teams: [] }];
    expect(await upstream.groups?.(tokens, '583231')).toEqual({ groups: ['other'] });
    person.orgs = Array.from({ length: 150 }, (_, n) => ({ login: `org-${n}`, teams: [] }));
    expect((await upstream.groups?.(tokens, '583231'))?.groups).toHaveLength(150);
    person.orgs = Array.from({ length: 501 }, (_, n) => ({ login: `org-${n}`, teams: [] }));
    expect(await upstream.groups?.(tokens, '583231')).toMatchObject({ incomplete: true });
  });
});

test.each([
  [
    [{ email: 'octo@corp.example', primary: true, verified: false }],
    { email: 'octo@corp.example', emailVerified: false },
  ],
  [[{ email: 'octo@corp.example', primary: false, verified: true }], {}],
  [
    [{ email: 'octo＠corp.example', primary: true, verified: true }],
    { email: 'octo＠corp.example', emailVerified: true },
  ],
])('no domain is vouched for by %j', async (emails, told) => {
  hub.people[0] = { ...octo(), emails };
  const { person } = await signIn();
  expect(person.domain).toBeUndefined();
  const { email, emailVerified } = person;
  expect({ ...(email !== undefined && { email, emailVerified }) }).toEqual(told);
});

test('a token that never runs out is asked about without being used, and what was ended there is dead', async () => {
  const upstream = connector();
  const { tokens } = await signIn(upstream);
  expect(tokens.expiresAt).toBeNull();
  expect(await upstream.alive?.(tokens)).toBe(true);
  hub.end('octo');
  expect(await upstream.alive?.(tokens)).toBe(false);
  hub.set('/api/v3/applications/Iv1.cardea/token', { is: 'status', status: 500 });
  expect((await refused(upstream.alive?.(tokens) as Promise<unknown>)).reason).toBe('upstream_unavailable');
  hub.honest();
  const wrong = connector({ secret: 'another secret, 0002' });
  expect((await refused(wrong.alive?.(tokens) as Promise<unknown>)).reason).toBe('upstream_misconfigured');
});

describe('a GitHub App', () => {
  let app: GitHub;
  beforeEach(async () => {
    app = await github({ app: true });
  });
  afterEach(() => app.close());

  test('has tokens of eight hours and a refresh token that works once', async () => {
    const upstream = connector({}, app);
    const { tokens } = await signIn(upstream, 'octo', SCOPES, app);
    expect(tokens.expiresAt).toBeGreaterThan(Date.now() + 28_000_000);
    const second = await upstream.refresh(tokens);
    expect(second.refreshToken).not.toBe(tokens.refreshToken);
    expect((await refused(upstream.refresh(tokens))).reason).toBe('upstream_revoked');
    expect((await upstream.groups?.(second, '583231'))?.groups).toContain('acme');
  });

  test('is ended there when it is revoked here, also with an access token that has run out', async () => {
    const upstream = connector({}, app);
    const { tokens } = await signIn(upstream, 'octo', SCOPES, app);
    const second = await upstream.refresh(tokens); // the first access token is over by this
    await upstream.revoke({ ...second, accessToken: tokens.accessToken });
    expect(app.counts.ended).toBe(1);
    expect((await refused(upstream.refresh(second))).reason).toBe('upstream_revoked');
    await upstream.revoke(tokens); // nothing to end is no failure
  });

  test('that was ended there is over here', async () => {
    const upstream = connector({}, app);
    const { tokens } = await signIn(upstream, 'octo', SCOPES, app);
    app.end('octo');
    expect((await refused(upstream.refresh(tokens))).reason).toBe('upstream_revoked');
    expect((await refused(upstream.groups?.(tokens, '583231') as Promise<unknown>)).reason).toBe(
      'upstream_revoked',
    );
  });
});

describe('what goes wrong', () => {
  test('a code that is used twice, and a code with another verifier', async () => {
    const upstream = connector();
    const given = trip({ scopes: SCOPES });
    const callback = await hub.visit(await upstream.authorizationUrl(given), 'octo');
    await upstream.redeem(given, callback);
    expect((await refused(upstream.redeem(given, callback))).reason).toBe('upstream_code_refused');
    const other = trip({ scopes: SCOPES });
    const stolen = await hub.visit(await upstream.authorizationUrl(other), 'octo');
    const mine = { ...other, codeVerifier: trip().codeVerifier };
    expect((await refused(upstream.redeem(mine, stolen))).reason).toBe('upstream_code_refused');
  });

  test('a person who cancels', async () => {
    const given = trip({ scopes: SCOPES });
    const callback = await hub.visit(await connector().authorizationUrl(given));
    expect((await refused(connector().redeem(given, callback))).reason).toBe('upstream_denied');
    expect(hub.asked(TOKEN)).toEqual([]);
  });

  test.each<[string, (callback: URLSearchParams) => void]>([
    ['another state', (callback) => callback.set('state', 'another')],
    ['no state', (callback) => callback.delete('state')],
    ['two states', (callback) => callback.append('state', 'another')],
    ['two codes', (callback) => callback.append('code', 'another')],
    ['no code', (callback) => callback.delete('code')],
    ['another issuer', (callback) => callback.set('iss', 'https://evil.example')],
  ])('a callback with %s, before anything is sent', async (_what, change) => {
    const given = trip({ scopes: SCOPES });
    const callback = await hub.visit(await connector().authorizationUrl(given), 'octo');
    hub.asked();
    change(callback);
    expect((await refused(connector().redeem(given, callback))).reason).toBe('upstream_mixed_up');
    expect(hub.asked()).toEqual([]);
  });

  test.each<[string, string, Mischief, string]>([
    [
      'a form',
      TOKEN,
      {
        is: 'body',
        body: 'error=bad_verification_code&error_description=%3Cb%3E',
        type: 'application/x-www-form-urlencoded',
      },
      'upstream_code_refused',
    ],
    [
      'an error that nobody knows',
      TOKEN,
      { is: 'body', body: '{"error":"<script>"}' },
      'upstream_misconfigured',
    ],
    ['a page', TOKEN, { is: 'body', body: '<html>', type: 'text/html' }, 'upstream_misbehaved'],
    ['a list', TOKEN, { is: 'body', body: '[]' }, 'upstream_misbehaved'],
    ['no access token', TOKEN, { is: 'body', body: '{"token_type":"bearer"}' }, 'upstream_misbehaved'],
    [
      'a life of "abc"',
      TOKEN,
      { is: 'body', body: '{"access_token":"a","token_type":"bearer","expires_in":"abc"}' },
      'upstream_misbehaved',
    ],
    [
      'a life of -1',
      TOKEN,
      { is: 'body', body: '{"access_token":"a","token_type":"bearer","expires_in":-1}' },
      'upstream_misbehaved',
    ],
    [
      'an odd token type',
      TOKEN,
      { is: 'body', body: '{"access_token":"a","token_type":"mac"}' },
      'upstream_misbehaved',
    ],
    ['500', TOKEN, { is: 'status', status: 500 }, 'upstream_unavailable'],
    ['404', TOKEN, { is: 'status', status: 404 }, 'upstream_misbehaved'],
    ['50 MB', TOKEN, { is: 'oversize' }, 'upstream_unavailable'],
    [
      'a redirect to the inside',
      TOKEN,
      { is: 'redirect', to: 'http://169.254.169.254/' },
      'upstream_misbehaved',
    ],
    [
      'a limit of its own',
      '/api/v3/user',
      { is: 'status', status: 403, headers: { 'x-ratelimit-remaining': '0' } },
      'upstream_unavailable',
    ],
    ['nobody', '/api/v3/user', { is: 'status', status: 404 }, 'upstream_misbehaved'],
    ['a list for a person', '/api/v3/user', { is: 'body', body: '[]' }, 'upstream_misbehaved'],
    ['a person for a list', '/api/v3/user/orgs', { is: 'body', body: '{}' }, 'upstream_misbehaved'],
    [
      'no addresses at the moment',
      '/api/v3/user/emails',
      { is: 'status', status: 502 },
      'upstream_unavailable',
    ],
  ])('an answer with %s', async (_what, path, mischief, reason) => {
    hub.set(path, mischief);
    expect((await refused(signIn())).reason).toBe(reason);
  });

  test('a form where JSON was asked for is read as well', async () => {
    const upstream = connector();
    const { tokens } = await signIn(upstream);
    const body = `access_token=${tokens.accessToken}&scope=read%3Auser%2Cuser%3Aemail&token_type=bearer`;
    hub.set(TOKEN, { is: 'body', body, type: 'application/x-www-form-urlencoded; charset=utf-8' });
    expect((await signIn(upstream)).tokens.scopes).toEqual(['read:user', 'user:email']);
  });
});

test('a test of it finds a right secret, a wrong one, and nobody at home', async () => {
  expect(await connector().test(REDIRECT)).toEqual([
    { ok: true, what: expect.stringMatching(/accepts the client id/) },
  ]);
  const wrong = await connector({ secret: 'another secret, 0002' }).test(REDIRECT);
  expect(wrong).toEqual([
    { ok: false, what: expect.stringMatching(/incorrect_client_credentials/), hint: expect.any(String) },
  ]);
  const gone = await connectorTo({ kind: 'github', issuer: 'http://127.0.0.1:9' }).test(REDIRECT);
  expect(gone).toEqual([
    { ok: false, what: expect.any(String), hint: expect.stringMatching(/address right/) },
  ]);
});
