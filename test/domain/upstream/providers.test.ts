// What Google, Entra and Okta do otherwise than the specification's plain provider.

import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { secret } from '../../../src/config/secret.ts';
import type { Mischief } from '../../support/upstream-mischief.ts';
import { type OidcUpstream, oidcUpstream } from '../../support/upstream-oidc.ts';
import { connectorTo, trip } from '../../support/upstream-trip.ts';

let up: OidcUpstream;
beforeEach(async () => {
  up = await oidcUpstream();
});
afterEach(() => up.close());

type Given = Partial<Parameters<typeof connectorTo>[0]>;
const connector = (given: Given) => connectorTo({ issuer: up.issuer, ...given });

async function signIn(given: Given, scopes?: string[]) {
  const upstream = connector(given);
  const asked = trip(scopes ? { scopes } : {});
  return upstream.redeem(asked, up.visit(await upstream.authorizationUrl(asked)));
}
const asked = async (given: Given, more: Parameters<typeof trip>[0] & { prompt?: string } = {}) => {
  const { prompt, ...rest } = more;
  const url = await connector(given).authorizationUrl({
    ...trip(rest),
    ...(prompt !== undefined && { prompt }),
  });
  return Object.fromEntries(url.searchParams);
};

const MORE = { scopes: ['openid', 'profile', 'email', 'calendar'] };
const VAULT = { scopes: ['calendar'], audience: 'https://api.example', resource: 'https://api.example' };

describe('a plain provider', () => {
  test('is asked for a refresh token as the specification says, when connecting and not when signing in', async () => {
    up.knobs.metadata = (value) => ({ ...value, scopes_supported: ['openid', 'offline_access', 'calendar'] });
    const connecting = await asked({ vault: VAULT }, MORE);
    expect(connecting).toMatchObject({
      prompt: 'consent',
      audience: VAULT.audience,
      resource: VAULT.resource,
    });
    expect(connecting['scope']).toBe('openid profile email calendar offline_access');
    const signingIn = await asked({ vault: VAULT });
    expect(signingIn['scope']).toBe('openid profile email');
    for (const name of ['prompt', 'audience', 'resource']) expect(signingIn).not.toHaveProperty(name);
  });

  test('gets its secret in the form where it takes no header, and a signed assertion where there is a key', async () => {
    up.knobs.metadata = (value) => ({
      ...value,
      token_endpoint_auth_methods_supported: ['client_secret_post'],
    });
    await signIn({});
    const [posted] = up.asked('/token');
    expect([posted?.headers.authorization, posted?.body]).toEqual([
      undefined,
      expect.stringContaining('client_secret='),
    ]);
    for (const [type, options, alg] of [
      ['ec', { namedCurve: 'P-256' }, 'ES256'],
      ['rsa', { modulusLength: 2048 }, 'RS256'],
      ['ed25519', {}, 'Ed25519'],
    ] as const) {
      const { privateKey } = generateKeyPairSync(type as 'ec', options as { namedCurve: string });
      const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
      await signIn({ credential: { kind: 'private_key', value: secret(pem) } }).catch(() => undefined);
      const form = new URLSearchParams(up.asked('/token')[0]?.body);
      const assertion = form.get('client_assertion') ?? '';
      expect(decodeProtectedHeader(assertion)).toMatchObject({ alg, kid: expect.any(String) });
      expect(decodeJwt(assertion)).toMatchObject({ iss: 'cardea', sub: 'cardea', aud: up.issuer });
      expect(form.has('client_secret')).toBe(false);
    }
  });

  test('a verified address is one that the fact true says so of', async () => {
    for (const email_verified of ['true', 1, null, false, undefined]) {
      up.knobs.idToken = (claims) => ({ ...claims, email_verified });
      const { person } = await signIn({});
      expect([person.emailVerified, person.domain]).toEqual([false, undefined]);
    }
    for (const email of [
      'pat＠corp.example',
      'a@b@corp.example',
      'pat@corp.example?x=evil.com',
      '@corp.example',
      'pat@corp',
    ]) {
      up.knobs.idToken = (claims) => ({ ...claims, email });
      expect((await signIn({})).person.domain).toBeUndefined();
    }
    up.knobs.idToken = (claims) => ({ ...claims, email: 'Pat+x@Sub.Corp.example' });
    expect((await signIn({})).person.domain).toBe('sub.corp.example');
  });

  test('groups are a list of names; whatever else comes is none, and too many are not all', async () => {
    up.knobs.userinfo = ({ groups: _none, ...value }) => value;
    for (const [groups, told] of [
      [['staff', 7, null, { a: 1 }, '', 'staff'], ['staff']],
      ['staff', ['staff']],
      [{ staff: true }, []],
      [undefined, []],
    ] as const) {
      up.knobs.idToken = (claims) => ({ ...claims, groups });
      expect((await signIn({})).person.groups).toEqual(told);
    }
    up.knobs.idToken = (claims) => ({ ...claims, groups: Array.from({ length: 1001 }, (_, n) => `g${n}`) });
    expect((await signIn({})).person).toMatchObject({ groupsIncomplete: true });
    up.knobs.idToken = ({ groups: _none, ...claims }) => ({ ...claims, roles: ['boss'] });
    expect((await signIn({ groupsClaim: 'roles' })).person.groups).toEqual(['boss']);
  });
});

describe('Google', () => {
  test('is asked for offline access in its own words, and never for a resource', async () => {
    const connecting = await asked({ kind: 'google', vault: VAULT }, MORE);
    expect(connecting).toMatchObject({
      access_type: 'offline',
      prompt: 'consent',
      scope: MORE.scopes.join(' '),
    });
    expect(connecting).not.toHaveProperty('resource');
    expect(await asked({ kind: 'google' })).not.toHaveProperty('access_type');
  });

  test('vouches for a domain by hd and by nothing else', async () => {
    const allow = { accounts: [], domains: ['corp.example'], groups: [] };
    expect((await asked({ kind: 'google', allow }))['hd']).toBe('corp.example');
    // A private account with a verified address of the company's domain, which its former owner may still have.
    expect((await signIn({ kind: 'google', allow })).person).toMatchObject({ emailVerified: true });
    expect((await signIn({ kind: 'google', allow })).person.domain).toBeUndefined();
    for (const [hd, domain] of [
      ['Corp.example', 'corp.example'],
      ['corp.example.evil.com', 'corp.example.evil.com'],
      [['corp.example'], undefined],
    ] as const) {
      up.knobs.idToken = (claims) => ({ ...claims, hd });
      expect((await signIn({ kind: 'google', allow })).person.domain).toBe(domain);
    }
  });
});

describe('Entra', () => {
  test('is asked for offline_access without more ado, and for no resource at any endpoint', async () => {
    const connecting = await asked({ kind: 'entra', vault: VAULT }, MORE);
    expect(connecting['scope']).toBe('openid profile email calendar offline_access');
    for (const name of ['resource', 'prompt']) expect(connecting).not.toHaveProperty(name);
    const { tokens } = await signIn({ kind: 'entra', vault: VAULT }, MORE.scopes);
    await connector({ kind: 'entra', vault: VAULT }).refresh(tokens);
    for (const { body } of up.asked('/token')) expect(new URLSearchParams(body).has('resource')).toBe(false);
  });

  test('does not vouch for the address that any tenant’s administrator can write', async () => {
    expect((await signIn({ kind: 'entra' })).person).toMatchObject({
      email: 'pat@corp.example',
      emailVerified: false,
    });
    expect((await signIn({ kind: 'entra' })).person.domain).toBeUndefined();
    up.knobs.idToken = (claims) => ({ ...claims, xms_edov: 'true' });
    expect((await signIn({ kind: 'entra' })).person.domain).toBeUndefined();
    up.knobs.idToken = (claims) => ({ ...claims, xms_edov: true });
    expect((await signIn({ kind: 'entra' })).person.domain).toBe('corp.example');
  });

  test.each([
    [{ _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://evil.example/' } } }],
    [{ hasgroups: true }],
  ])('that has too many groups to send says so, and nobody goes where it points: %j', async (overage) => {
    up.knobs.idToken = ({ groups: _groups, ...claims }) => ({ ...claims, ...overage });
    expect((await signIn({ kind: 'entra' })).person).toMatchObject({ groups: [], groupsIncomplete: true });
    expect(up.asked('/userinfo')).toEqual([]);
  });

  describe('where there are too many groups to send', () => {
    const GRAPH = '/v1.0/me/getMemberGroups';
    const overage = () => {
      const { host } = new URL(up.issuer);
      up.knobs.metadata = (value) => ({ ...value, msgraph_host: host });
      up.knobs.idToken = ({ groups: _groups, ...claims }) => ({ ...claims, hasgroups: true });
    };

    test('Graph is asked for all of them, with the token of that sign-in', async () => {
      overage();
      const { person, tokens } = await signIn({ kind: 'entra' });
      expect(person).toMatchObject({ groups: ['g-1', 'g-2'], groupsIncomplete: false });
      const [sent] = up.asked(GRAPH);
      expect([sent?.method, sent?.headers.authorization]).toEqual(['POST', `Bearer ${tokens.accessToken}`]);
    });

    test.each<[string, Mischief]>([
      ['does not let us ask', { is: 'status', status: 403 }],
      ['is down', { is: 'status', status: 503 }],
      ['hangs up', { is: 'hang up' }],
      ['says something else', { is: 'body', body: '{"value":"g-1"}' }],
      ['says nothing that can be read', { is: 'body', body: '<html>' }],
    ])(
      'and Graph %s, they come in with none, and it is known that there are more',
      async (_what, mischief) => {
        overage();
        up.set(GRAPH, mischief);
        expect((await signIn({ kind: 'entra' })).person).toMatchObject({
          groups: [],
          groupsIncomplete: true,
        });
      },
    );

    test('nobody is asked at a host that the operator did not name, or when all were sent', async () => {
      overage();
      const elsewhere = await oidcUpstream();
      const { host } = new URL(elsewhere.issuer);
      up.knobs.metadata = (value) => ({ ...value, msgraph_host: host });
      expect((await signIn({ kind: 'entra' })).person.groupsIncomplete).toBe(true);
      expect(elsewhere.asked()).toEqual([]);
      expect((await signIn({ kind: 'entra', endpointHosts: [host] })).person.groups).toEqual(['g-1', 'g-2']);
      await elsewhere.close();
      overage();
      up.knobs.idToken = (claims) => claims;
      expect((await signIn({ kind: 'entra' })).person.groups).toEqual(['staff']);
      expect(up.asked(GRAPH)).toEqual([]);
    });
  });

  test('does not revoke, and says so', async () => {
    expect(connector({ kind: 'entra' }).can).toMatchObject({ revoke: false, groups: false });
  });
});

test('Okta gets a client assertion that is addressed to its token endpoint', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  await signIn({ kind: 'okta', credential: { kind: 'private_key', value: secret(pem) } }).catch(
    () => undefined,
  );
  const form = new URLSearchParams(up.asked('/token')[0]?.body);
  expect(decodeJwt(form.get('client_assertion') ?? '')['aud']).toBe(`${up.issuer}/token`);
});
