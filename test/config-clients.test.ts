// Clients that an operator enters: how each may prove itself, and how far it may ever go.

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { clientKeys } from '../src/config/client-keys.ts';
import { ConfigProblems, readConfig } from '../src/config.ts';
import { declaredMetadata } from '../src/domain/clients/declared.ts';
import { basicConfig, RESOURCE } from './support/server.ts';

const CB = 'https://app.example/callback';
const SECRET = 'a-long-enough-secret';
const shown = ({ publicKey }: { publicKey: KeyObject }) => publicKey.export({ format: 'jwk' });
const rsa = (modulusLength: number) => shown(generateKeyPairSync('rsa', { modulusLength }));
const P256 = shown(generateKeyPairSync('ec', { namedCurve: 'P-256' }));

const read = (client: Record<string, unknown>) =>
  readConfig({
    env: { CARDEA_CONFIG: 'x.yaml' },
    files: () => stringify({ ...basicConfig, clients: [{ id: 'one', name: 'One', ...client }] }),
  });

function problems(client: Record<string, unknown>): string {
  try {
    read(client);
    return '';
  } catch (error) {
    if (error instanceof ConfigProblems)
      return error.problems.map((each) => `${each.setting} ${each.problem}`).join('\n');
    throw error;
  }
}

const kept = (client: Record<string, unknown>) => {
  const [declared] = read(client).clients;
  return declared && declaredMetadata(declared);
};

test.each<[Record<string, unknown>, string]>([
  [{ redirect_uris: [CB] }, 'none'],
  [{ redirect_uris: [CB], secret: SECRET }, 'client_secret_basic'],
  [{ redirect_uris: [CB], secret: SECRET, authentication: 'client_secret_post' }, 'client_secret_post'],
  [{ redirect_uris: [CB], jwks: { keys: [P256] } }, 'private_key_jwt'],
  [{ redirect_uris: [CB], jwks_uri: 'https://app.example/jwks' }, 'private_key_jwt'],
])('what a client proves itself by follows from what it has: %j is %s', (client, method) => {
  expect(kept(client)).toMatchObject({ token_endpoint_auth_method: method, redirect_uris: [CB] });
});

test('a client without people has no redirect URI, and gets what its operator lists', () => {
  const machine = {
    secret: SECRET,
    grant_types: ['client_credentials'],
    resources: [{ uri: RESOURCE, scopes: ['library:read'] }],
    dpop_bound: true,
  };
  expect(kept(machine)).toMatchObject({
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
    ceiling: [{ resource: RESOURCE, scopes: ['library:read'] }],
    dpop_bound_access_tokens: true,
  });
});

test.each<[string, Record<string, unknown>, string]>([
  ['no redirect URI', {}, 'clients[0].redirect_uris is missing'],
  [
    'a method that has no secret',
    { redirect_uris: [CB], authentication: 'client_secret_post' },
    'secret is missing',
  ],
  [
    'a method that has no keys',
    { redirect_uris: [CB], authentication: 'private_key_jwt' },
    'jwks is missing',
  ],
  [
    'a secret for nothing',
    { redirect_uris: [CB], authentication: 'none', secret: SECRET },
    'secret has no use',
  ],
  [
    'two sets of keys',
    { redirect_uris: [CB], jwks: { keys: [P256] }, jwks_uri: 'https://app.example/jwks' },
    'keep one',
  ],
  ['keys over http', { redirect_uris: [CB], jwks_uri: 'http://127.0.0.1/jwks' }, 'jwks_uri must use https'],
  [
    'a private key',
    { redirect_uris: [CB], jwks: { keys: [{ ...P256, d: 'x' }] } },
    'jwks holds a key that is not public',
  ],
  [
    'client_credentials for a public client',
    { grant_types: ['client_credentials'], resources: [{ uri: RESOURCE, scopes: ['library:read'] }] },
    'proves itself by nothing',
  ],
  [
    'client_credentials without bounds',
    { grant_types: ['client_credentials'], secret: SECRET },
    'resources is missing',
  ],
  [
    'a scope that the resource does not have',
    { redirect_uris: [CB], resources: [{ uri: RESOURCE, scopes: ['library:read', 'admin'] }] },
    'clients[0].resources[0].scopes[1] is no scope of resources[0]',
  ],
  [
    'one resource twice',
    {
      redirect_uris: [CB],
      resources: [
        { uri: RESOURCE, scopes: ['library:read'] },
        { uri: RESOURCE.replace('http', 'HTTP'), scopes: ['library:write'] },
      ],
    },
    'is the same as that of resources[0]',
  ],
  [
    'a refresh token for nothing',
    { grant_types: ['refresh_token'] },
    'nothing that a refresh token comes with',
  ],
  ['the password grant', { redirect_uris: [CB], grant_types: ['password'] }, 'must be one of'],
])('%s is a problem', (_what, client, said) => {
  expect(problems(client)).toContain(said);
});

test('all that is wrong with a client is said at once', () => {
  const said = problems({ nam: 'x', authentication: 'private_key_jwt', grant_types: ['client_credentials'] });
  for (const each of ['nam is not a setting', 'jwks is missing', 'resources is missing'])
    expect(said).toContain(each);
});

describe('a key of a client', () => {
  test.each([[P256], [shown(generateKeyPairSync('ed25519'))], [rsa(2048)]])(
    'is taken without what is not part of it',
    (key) => {
      expect(clientKeys({ keys: [{ ...key, kid: '1', x5u: 'https://x', other: true }] })).toEqual({
        keys: [{ ...key, kid: '1' }],
      });
    },
  );

  test.each<[string, unknown]>([
    ['a short RSA key', { keys: [rsa(1024)] }],
    ['a point beside the curve', { keys: [{ ...P256, x: P256.y }] }],
    ['a secret', { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }],
    ['a kind from the prototype', { keys: [{ kty: 'constructor' }] }],
    ['nothing', { keys: [] }],
    ['eleven', { keys: Array.from({ length: 11 }, () => P256) }],
    ['null', null],
    ['a list', [P256]],
  ])('is not %s', (_what, set) => {
    expect(clientKeys(set)).toEqual(expect.any(String));
  });
});
