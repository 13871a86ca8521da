// What an OpenID provider may do wrong, by mistake or on purpose: each time a Refusal that says what to do, nothing
// believed, no secret told, and no bug.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Refusal } from '../../../src/errors.ts';
import type { Mischief } from '../../support/upstream-mischief.ts';
import { type OidcUpstream, oidcUpstream } from '../../support/upstream-oidc.ts';
import { connectorTo, REDIRECT, trip } from '../../support/upstream-trip.ts';

const SECRET = 'a secret of ours, 0001';

let up: OidcUpstream;
beforeEach(async () => {
  up = await oidcUpstream();
});
afterEach(async () => {
  vi.useRealTimers();
  await up.close();
});

const connector = (given: Partial<Parameters<typeof connectorTo>[0]> = {}) =>
  connectorTo({ issuer: up.issuer, secret: SECRET, ...given });

async function signIn(upstream = connector(), given = trip()) {
  const callback = up.visit(await upstream.authorizationUrl(given));
  return upstream.redeem(given, callback);
}

/** The Refusal that comes of it, and why; nothing of it says what must not be said. */
async function refused(work: Promise<unknown>): Promise<{ reason: string; status: number; why: string }> {
  const error = await work.then(
    () => expect.fail('it was not refused'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Refusal);
  const { reason, status, message, hint, cause } = error as Refusal;
  const why = (cause as Error).message;
  expect(message).toMatch(/^[A-Z].*\.$/);
  for (const said of [message, hint ?? '', why, String((cause as Error).cause ?? '')]) {
    expect(said).not.toContain(SECRET);
    expect(said).not.toMatch(/[\w-]{43}|eyJ|<script|javascript:/);
  }
  return { reason, status, why };
}

test('an honest one works', async () => {
  const { person, tokens } = await signIn();
  expect(person).toMatchObject({ subject: 'person-1', domain: 'corp.example', groups: ['staff'] });
  expect(tokens.expiresAt).toBeGreaterThan(Date.now());
  expect(up.asked('/userinfo')).toEqual([]);
});

describe('the callback', () => {
  const changed = (change: Record<string, unknown>) => {
    up.knobs.callback = (value) => ({ ...value, ...change });
  };

  test.each<[string, Record<string, unknown>]>([
    ['of another state', { state: 'another' }],
    ['without a state', { state: '' }],
    ['of another issuer (RFC 9207)', { iss: 'https://evil.example' }],
    ['without iss where it is promised', { iss: '' }],
    ['without a code', { code: '' }],
    ['with a token in it', { id_token: 'x.y.z' }],
  ])('%s is refused before anything is sent to the upstream', async (_what, change) => {
    changed(change);
    expect(await refused(signIn())).toMatchObject({ reason: 'upstream_mixed_up', status: 400 });
    expect(up.asked('/token')).toEqual([]);
  });

  test('with a parameter twice is refused before anything is sent to the upstream', async () => {
    const upstream = connector();
    const given = trip();
    const callback = up.visit(await upstream.authorizationUrl(given));
    for (const name of ['state', 'code', 'iss', 'error']) {
      const twice = new URLSearchParams(callback);
      twice.append(name, 'second');
      if (name === 'error') twice.append(name, 'third');
      expect((await refused(upstream.redeem(given, twice))).reason).toBe('upstream_mixed_up');
    }
    expect(up.asked('/token')).toEqual([]);
  });

  test.each<[string, string, number]>([
    ['access_denied', 'upstream_denied', 403],
    ['login_required', 'upstream_denied', 403],
    ['<script>alert(1)</script>', 'upstream_denied', 403],
    ['temporarily_unavailable', 'upstream_unavailable', 503],
    ['invalid_scope', 'upstream_misconfigured', 503],
  ])('with error=%s is %s, and none of its text is repeated', async (error, reason, status) => {
    changed({
      code: '',
      error,
      error_description: '<script>alert(1)</script>',
      error_uri: 'javascript:alert(1)',
    });
    const answer = await refused(signIn());
    expect(answer).toMatchObject({ reason, status });
    expect(up.asked('/token')).toEqual([]);
  });

  test('of one upstream is of no use to another: state, issuer and redirect URI are its own', async () => {
    const evil = await oidcUpstream();
    try {
      // The evil upstream sends the person on to the honest one, with our client there and the state of this trip.
      const given = trip({ redirectUri: 'http://127.0.0.1:4000/upstream/evil/callback' });
      const there = await connectorTo({ issuer: evil.issuer }).authorizationUrl(given);
      const bounced = new URL(`${up.issuer}/authorize?${there.searchParams}`);
      const callback = up.visit(bounced);
      expect((await refused(connectorTo({ issuer: evil.issuer }).redeem(given, callback))).reason).toBe(
        'upstream_mixed_up',
      );
      expect(evil.asked('/token')).toEqual([]); // the honest upstream's code went nowhere
      // And were the issuer not told: the code was given for another redirect URI.
      callback.delete('iss');
      up.knobs.metadata = (value) => ({ ...value, authorization_response_iss_parameter_supported: false });
      const mine = { ...given, redirectUri: REDIRECT };
      expect((await refused(connector().redeem(mine, callback))).reason).toBe('upstream_code_refused');
    } finally {
      await evil.close();
    }
  });
});

describe('the ID token', () => {
  const now = () => Math.floor(Date.now() / 1000);

  test.each<[string, (claims: Record<string, unknown>) => Record<string, unknown>]>([
    ['for another client (aud)', (claims) => ({ ...claims, aud: 'somebody-else' })],
    [
      'for another client too, and nobody said for whom',
      (claims) => ({ ...claims, aud: ['cardea', 'other'] }),
    ],
    [
      'for two, issued to the other (azp)',
      (claims) => ({ ...claims, aud: ['cardea', 'other'], azp: 'other' }),
    ],
    ['for us, issued to another (azp)', (claims) => ({ ...claims, azp: 'other' })],
    ['of another issuer', (claims) => ({ ...claims, iss: 'https://evil.example' })],
    ['of another sign-in (nonce)', (claims) => ({ ...claims, nonce: 'another' })],
    ['of no sign-in', ({ nonce: _nonce, ...claims }) => claims],
    ['that has run out', (claims) => ({ ...claims, exp: now() - 600 })],
    ['that never runs out', ({ exp: _exp, ...claims }) => claims],
    ['of ten minutes ago', (claims) => ({ ...claims, iat: now() - 600 })],
    ['of in ten minutes', (claims) => ({ ...claims, iat: now() + 600 })],
    ['with no subject', ({ sub: _sub, ...claims }) => claims],
    ['with a number for a subject', (claims) => ({ ...claims, sub: 7 })],
    ['with an endless subject', (claims) => ({ ...claims, sub: 'x'.repeat(256) })],
    ['with a subject that is not ASCII', (claims) => ({ ...claims, sub: 'pаt' })],
  ])('%s is refused', async (_what, change) => {
    up.knobs.idToken = change;
    expect(await refused(signIn())).toMatchObject({ reason: 'upstream_misbehaved', status: 502 });
  });

  test.each([-30, 30])('of a clock that is %i s off is taken', async (off) => {
    up.knobs.idToken = (claims) => ({ ...claims, iat: now() + off, exp: now() + off + 60 });
    expect((await signIn()).person.subject).toBe('person-1');
  });

  test('signed with a key that is not published is refused', async () => {
    up.knobs.strangeKey = true;
    expect((await refused(signIn())).reason).toBe('upstream_misbehaved');
  });

  test.each(['none', 'HS256', 'RS512', undefined])(
    'that says it is signed with %s is refused',
    async (alg) => {
      up.knobs.tokens = (value) => {
        const [, body] = String(value['id_token']).split('.');
        const header = Buffer.from(JSON.stringify({ alg })).toString('base64url');
        return { ...value, id_token: `${header}.${body}.${alg === 'none' ? '' : 'AAAA'}` };
      };
      up.knobs.metadata = (value) => ({
        ...value,
        id_token_signing_alg_values_supported: ['none', 'HS256', 'RS256'],
      });
      expect((await refused(signIn())).reason).toBe('upstream_misbehaved');
    },
  );

  test('that is not there is missed', async () => {
    up.knobs.tokens = ({ id_token: _gone, ...value }) => value;
    expect((await refused(signIn())).reason).toBe('upstream_misbehaved');
  });

  test('is completed by userinfo only of the same subject', async () => {
    up.knobs.idToken = ({ email: _email, ...claims }) => claims;
    up.knobs.userinfo = (value) => ({ ...value, email: 'pat@corp.example', email_verified: true });
    expect((await signIn()).person.email).toBe('pat@corp.example');
    up.knobs.userinfo = (value) => ({ ...value, sub: 'person-2', email: 'boss@corp.example' });
    expect(await refused(signIn())).toMatchObject({ reason: 'upstream_misbehaved' });
  });
});

describe('its keys', () => {
  test('that were replaced are asked for once, and made-up key ids do not make a storm', async () => {
    let now = Date.now();
    const upstream = connectorTo({ issuer: up.issuer, secret: SECRET }, () => now);
    await signIn(upstream);
    now += 60_000;
    await up.rotate();
    up.asked();
    expect((await signIn(upstream)).person.subject).toBe('person-1');
    expect(up.asked('/jwks')).toHaveLength(1);
    now += 60_000;
    up.knobs.header = (value) => ({ ...value, kid: `made-up-${Math.random()}` });
    const flood = await Promise.all(Array.from({ length: 20 }, () => refused(signIn(upstream))));
    expect(new Set(flood.map(({ reason }) => reason))).toEqual(new Set(['upstream_misbehaved']));
    for (let n = 0; n < 5; n += 1) await refused(signIn(upstream)); // nor one after another
    expect(up.asked('/jwks').length).toBeLessThanOrEqual(1);
  });

  test('that cannot be asked for go on being right', async () => {
    let now = Date.now();
    const upstream = connectorTo({ issuer: up.issuer, secret: SECRET }, () => now);
    await signIn(upstream);
    up.set('/jwks', { is: 'status', status: 500 });
    now += 120_000;
    expect((await signIn(upstream)).person.subject).toBe('person-1');
    vi.useFakeTimers({ toFake: ['Date'], now: now + 700_000 });
    now += 700_000; // past the time that they are fresh
    expect((await signIn(upstream)).person.subject).toBe('person-1');
  });

  test('that were never had are waited for', async () => {
    up.set('/jwks', { is: 'status', status: 500 });
    expect((await refused(signIn())).reason).toBe('upstream_unavailable');
    up.set('/jwks', { is: 'body', body: '{"keys":{}}' });
    expect((await refused(signIn())).reason).toBe('upstream_misbehaved');
  });
});

describe('its metadata', () => {
  const lies: [string, Record<string, unknown>, RegExp][] = [
    ['of another issuer', { issuer: 'https://evil.example' }, /issuer/],
    [
      'with a token endpoint on another host',
      { token_endpoint: 'https://evil.example/token' },
      /token_endpoint is on another host/,
    ],
    [
      'with a token endpoint inside our network',
      { token_endpoint: 'http://169.254.169.254/' },
      /token_endpoint is on another host/,
    ],
    ['with keys on another port', { jwks_uri: 'http://127.0.0.1:1/jwks' }, /jwks_uri is on another host/],
    [
      'with userinfo in a file',
      { userinfo_endpoint: 'file:///etc/passwd' },
      /userinfo_endpoint does not use https/,
    ],
    [
      'with a revocation endpoint elsewhere',
      { revocation_endpoint: 'https://evil.example/r' },
      /revocation_endpoint is on another/,
    ],
    [
      'with an authorization endpoint that is a script',
      { authorization_endpoint: 'javascript:alert(1)' },
      /authorization_endpoint does not use https/,
    ],
    ['with no keys', { jwks_uri: undefined }, /jwks_uri is missing/],
    ['with a list for an endpoint', { token_endpoint: ['x'] }, /token_endpoint is not an address/],
  ];
  test.each(lies)('%s is refused', async (_what, change, words) => {
    up.knobs.metadata = (value) => ({ ...value, ...change });
    const { reason, why } = await refused(connector().authorizationUrl(trip()));
    expect([reason, why]).toEqual(['upstream_misbehaved', expect.stringMatching(words)]);
    const found = await connector().test(REDIRECT);
    expect(found).toEqual([{ ok: false, what: expect.stringMatching(words), hint: expect.any(String) }]);
    expect(up.asked().filter(({ path }) => !path.startsWith('/.well-known/'))).toEqual([]);
  });

  test('that begins to lie later is refused when it is read again, and old metadata does not cover it up', async () => {
    let now = Date.now();
    const upstream = connectorTo({ issuer: up.issuer }, () => now);
    await upstream.authorizationUrl(trip());
    up.knobs.metadata = (value) => ({ ...value, token_endpoint: 'https://evil.example/token' });
    expect(await upstream.authorizationUrl(trip())).toBeInstanceOf(URL);
    now += 3_700_000;
    for (const _again of [1, 2])
      expect((await refused(upstream.authorizationUrl(trip()))).reason).toBe('upstream_misbehaved');
  });

  test('that cannot be had again is taken from before', async () => {
    let now = Date.now();
    const upstream = connectorTo({ issuer: up.issuer }, () => now);
    await upstream.authorizationUrl(trip());
    up.set('/.well-known/openid-configuration', { is: 'status', status: 503 });
    now += 3_700_000;
    expect(await upstream.authorizationUrl(trip())).toBeInstanceOf(URL);
  });

  test('may name other hosts where the operator does', async () => {
    up.knobs.metadata = (value) => ({ ...value, authorization_endpoint: 'http://127.0.0.1:9/authorize' });
    const allowed = connector({ endpointHosts: ['127.0.0.1:9'] });
    expect((await allowed.authorizationUrl(trip())).host).toBe('127.0.0.1:9');
  });
});

test.each<[string, Mischief, RegExp]>([
  [
    'refuses the scopes',
    { is: 'redirect', to: `${REDIRECT}?error=invalid_scope` },
    /refuses sign-ins: .*invalid_scope/,
  ],
  [
    'writes a script',
    { is: 'redirect', to: `${REDIRECT}?error=<script>` },
    /refuses sign-ins: .*an odd error code/,
  ],
  [
    'sends people elsewhere',
    { is: 'redirect', to: `${REDIRECT}.evil.example/?error=login_required` },
    /only tells a browser/,
  ],
  ['shows a page', { is: 'body', body: '<html>', type: 'text/html' }, /only tells a browser/],
  ['is down', { is: 'status', status: 503 }, /only tells a browser/],
  ['hangs up', { is: 'hang up' }, /cannot be asked for a sign-in/],
])('a test of one whose authorization endpoint %s says so', async (_what, mischief, words) => {
  up.set('/authorize', mischief);
  const found = await connector().test(REDIRECT);
  expect(found.at(-1)?.what).toMatch(words);
  expect(found.at(-1)?.what).not.toContain('script');
});

test.each([
  'http://127.0.0.1',
  'https://127.0.0.1',
  'https://localhost',
  'https://10.0.0.1',
  'https://169.254.169.254',
  'https://[::1]',
])('an issuer inside our network, %s, is not asked, whoever configured it', async (origin) => {
  const { port } = new URL(up.issuer);
  const before = up.connections();
  for (const kind of ['oidc', 'github'] as const) {
    const inside = connectorTo({ kind, issuer: `${origin}:${port}` }, Date.now, false);
    expect((await inside.test(REDIRECT)).map(({ ok }) => ok)).toEqual([false]);
    const tokens = { accessToken: 'a', refreshToken: 'b', expiresAt: null, scopes: [], tokenType: 'Bearer' };
    expect((await refused(inside.refresh(tokens))).reason).toBe('upstream_unavailable');
  }
  expect(up.connections()).toBe(before);
});

describe('its token endpoint', () => {
  test.each<[string, Mischief, string]>([
    ['a page', { is: 'body', body: '<html>', type: 'text/html' }, 'upstream_misbehaved'],
    ['an error under 200', { is: 'body', body: '{"error":"invalid_grant"}' }, 'upstream_misbehaved'],
    ['broken JSON', { is: 'body', body: '{"access_token":' }, 'upstream_misbehaved'],
    ['a list', { is: 'body', body: '[]' }, 'upstream_misbehaved'],
    ['null', { is: 'body', body: 'null' }, 'upstream_misbehaved'],
    ['50 MB', { is: 'oversize' }, 'upstream_unavailable'],
    ['a gzip bomb', { is: 'gzip bomb' }, 'upstream_unavailable'],
    ['a hung-up line', { is: 'hang up' }, 'upstream_unavailable'],
    ['500', { is: 'status', status: 500, body: '<html>' }, 'upstream_unavailable'],
    ['429', { is: 'status', status: 429, headers: { 'retry-after': '5' } }, 'upstream_unavailable'],
    ['404', { is: 'status', status: 404, body: 'no' }, 'upstream_misbehaved'],
    ['a redirect', { is: 'redirect', to: 'http://169.254.169.254/' }, 'upstream_misbehaved'],
    [
      'invalid_client',
      { is: 'status', status: 401, body: '{"error":"invalid_client"}' },
      'upstream_misconfigured',
    ],
    [
      'a challenge',
      { is: 'status', status: 401, headers: { 'www-authenticate': 'Basic' } },
      'upstream_misconfigured',
    ],
    [
      'an invented error',
      { is: 'status', status: 400, body: '{"error":"<script>"}' },
      'upstream_misconfigured',
    ],
  ])('that answers with %s', async (_what, mischief, reason) => {
    up.set('/token', mischief);
    expect((await refused(signIn())).reason).toBe(reason);
  });

  test.each<[string, Record<string, unknown>]>([
    ['no access token', { access_token: undefined }],
    ['an empty access token', { access_token: '' }],
    ['an access token that breaks a header', { access_token: 'a\r\nx-y: z' }],
    ['a refresh token that breaks a header', { refresh_token: 'a b' }],
    ['an odd token type', { token_type: 'mac' }],
    ['a token bound to a key', { token_type: 'DPoP' }],
    ['no token type', { token_type: undefined }],
    ['a life of "abc"', { expires_in: 'abc' }],
    ['a life of -1', { expires_in: -1 }],
    ['a list of scopes', { scope: ['a'] }],
  ])('that gives %s', async (_what, change) => {
    up.knobs.tokens = (value) => ({ ...value, ...change });
    expect((await refused(signIn())).reason).toBe('upstream_misbehaved');
  });

  test('may be sloppy: an unspoken scope is what was asked, a long life is cut, a narrower scope is what is had', async () => {
    up.knobs.tokens = ({ scope: _scope, ...value }) => ({ ...value, expires_in: 1e12, token_type: 'bearer' });
    const { tokens } = await signIn();
    expect(tokens.scopes).toEqual(['openid', 'profile', 'email']);
    expect(tokens.expiresAt).toBeLessThanOrEqual(Date.now() + 365 * 86_400_000);
    up.knobs.tokens = ({ expires_in: _life, ...value }) => ({ ...value, scope: 'openid' });
    expect((await signIn()).tokens).toMatchObject({ scopes: ['openid'], expiresAt: null });
  });
});

describe('a refresh', () => {
  test('that the upstream refuses is the end of the connection; any other failure is not', async () => {
    const upstream = connector();
    const { tokens } = await signIn(upstream);
    for (const [mischief, reason] of [
      [{ is: 'status', status: 500 }, 'upstream_unavailable'],
      [{ is: 'status', status: 401, body: '{"error":"invalid_client"}' }, 'upstream_misconfigured'],
      [{ is: 'body', body: 'x' }, 'upstream_misbehaved'],
    ] as [Mischief, string][]) {
      up.set('/token', mischief, 1);
      expect((await refused(upstream.refresh(tokens))).reason).toBe(reason);
    }
    const next = await upstream.refresh(tokens);
    expect(next.refreshToken).not.toBe(tokens.refreshToken);
    expect((await refused(upstream.refresh(tokens))).reason).toBe('upstream_revoked');
  });

  test('without a new refresh token keeps the old one', async () => {
    const upstream = connector();
    const { tokens } = await signIn(upstream);
    up.knobs.tokens = ({ refresh_token: _kept, ...value }) => value;
    expect((await upstream.refresh(tokens)).refreshToken).toBe(tokens.refreshToken);
  });

  test('for fewer scopes that brings others is not taken', async () => {
    const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
    up.knobs.metadata = (value) => ({ ...value, grant_types_supported: ['authorization_code', exchange] });
    const upstream = connector();
    const { tokens } = await signIn(upstream);
    expect(upstream.can).toMatchObject({ downScope: true, refresh: false });
    const answer = { access_token: 'less', token_type: 'Bearer', expires_in: 60 };
    const given = (scope?: string) =>
      up.set('/token', { is: 'body', body: JSON.stringify({ ...answer, scope }) });
    given('read write');
    expect((await refused(upstream.downScope?.(tokens, ['read']) as Promise<unknown>)).reason).toBe(
      'upstream_misbehaved',
    );
    given();
    expect(await upstream.downScope?.(tokens, ['read'])).toMatchObject({
      accessToken: 'less',
      scopes: ['read'],
    });
  });

  test('of one that has none is the end', async () => {
    const { refreshToken: _none, ...tokens } = (await signIn()).tokens;
    expect((await refused(connector().refresh(tokens))).reason).toBe('upstream_revoked');
  });
});

test('an upstream that is down is left alone for a while, and asked again after it', async () => {
  let now = Date.now();
  const upstream = connectorTo({ issuer: up.issuer }, () => now);
  up.set('/.well-known/openid-configuration', { is: 'hang up' });
  for (let n = 0; n < 20; n += 1)
    expect((await refused(upstream.authorizationUrl(trip()))).reason).toBe('upstream_unavailable');
  expect(up.asked()).toHaveLength(5);
  now += 16_000;
  up.honest();
  expect(await upstream.authorizationUrl(trip())).toBeInstanceOf(URL);
});

test('one that says when to come back is not asked before', async () => {
  let now = Date.now();
  const upstream = connectorTo({ issuer: up.issuer }, () => now);
  up.set('/.well-known/openid-configuration', {
    is: 'status',
    status: 429,
    headers: { 'retry-after': '30' },
  });
  await refused(upstream.authorizationUrl(trip()));
  up.asked();
  now += 29_000;
  await refused(upstream.authorizationUrl(trip()));
  expect(up.asked()).toEqual([]);
  up.honest();
  now += 2_000;
  expect(await upstream.authorizationUrl(trip())).toBeInstanceOf(URL);
});

test('a client secret that is exchanged while people are under way works on both sides of the change', async () => {
  const before = connector();
  const given = trip();
  const callback = up.visit(await before.authorizationUrl(given));
  up.knobs.secrets = [SECRET, 'a newer secret, 0002'];
  const after = connector({ secret: 'a newer secret, 0002' });
  expect((await after.redeem(given, callback)).person.subject).toBe('person-1');
  expect((await signIn(before)).person.subject).toBe('person-1');
  up.knobs.secrets = ['a newer secret, 0002'];
  expect((await refused(signIn(before))).reason).toBe('upstream_misconfigured');
  expect((await signIn(after)).person.subject).toBe('person-1');
});

test('a secret with every odd character arrives as it is, in the header and in the form', async () => {
  const odd = 'a+b/c=%d &e:f~"é"';
  up.knobs.secrets = [odd];
  expect((await signIn(connector({ secret: odd }))).person.subject).toBe('person-1');
  expect((await signIn(connector({ secret: odd, clientAuth: 'post' }))).person.subject).toBe('person-1');
});
