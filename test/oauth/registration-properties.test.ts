// Whatever a registration holds: it is refused in one of two words, or nothing in it can send a code astray.

import fc from 'fast-check';
import type { errors } from 'oidc-provider';
import { expect, it } from 'vitest';
import { isLoopback } from '../../src/config/loopback.ts';
import { random, sealingKey } from '../../src/crypto.ts';
import { identifiers, type Owner } from '../../src/domain/clients/identifiers.ts';
import { acceptedMetadata, type Metadata } from '../../src/oauth/registration.ts';

const policy = { schemes: ['cursor'], deviceCode: false };

const scheme = fc.constantFrom(
  'https',
  'http',
  'HTTP',
  'javascript',
  'data',
  'cursor',
  'com.example.app',
  'file',
  'x',
);
const host = fc.constantFrom(
  ...[
    'c.example',
    '127.0.0.1',
    '[::1]',
    'localhost',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    'localhost.',
    '0x7f.1',
  ],
  ...['user@c.example', 'user:pw@127.0.0.1', 'c.example\\@evil.example', '', '2130706433', '169.254.169.254'],
);
const rest = fc.constantFrom(
  '',
  '/',
  '/cb',
  '/cb?a=1',
  '/cb#x',
  '/cb#',
  '/../cb',
  '/%2e%2e/cb',
  '/*',
  '/c b',
  '/\n',
  ':80/cb',
);
const uri = fc.oneof(
  fc.tuple(scheme, fc.constantFrom('://', ':', ':/', ':///'), host, rest).map((parts) => parts.join('')),
  fc.webUrl(),
  fc.string(),
);
const names = [
  ...[
    'redirect_uris',
    'client_name',
    'grant_types',
    'response_types',
    'token_endpoint_auth_method',
    'jwks',
    'jwks_uri',
  ],
  ...[
    'client_uri',
    'logo_uri',
    'tos_uri',
    'policy_uri',
    'contacts',
    'software_id',
    'software_version',
    '__proto__',
  ],
  ...[
    'constructor',
    'token_endpoint_auth_signing_alg',
    'application_type',
    'client_id',
    'client_secret',
    'scope',
  ],
];
const anything = fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), fc.anything());

function accepted(given: Metadata): Metadata | undefined {
  try {
    return acceptedMetadata(given, policy);
  } catch (error) {
    expect((error as errors.OIDCProviderError).error).toMatch(/^invalid_(redirect_uri|client_metadata)$/);
    return undefined;
  }
}

it('no redirect URI is kept that is http on a public host, or holds a name, a password, a fragment or a script', () => {
  const honest = fc.record({ token_endpoint_auth_method: fc.constant('none') });
  let kept = 0;
  fc.assert(
    fc.property(honest, fc.array(uri, { minLength: 1, maxLength: 3 }), (given, redirect_uris) => {
      const metadata = accepted({ ...given, redirect_uris });
      for (const each of (metadata?.['redirect_uris'] ?? []) as string[]) {
        kept += 1;
        const { protocol, hostname, username, password } = new URL(each);
        expect([username, password, each.includes('#'), each.includes('*')]).toEqual(['', '', false, false]);
        if (protocol === 'http:') expect(isLoopback(hostname)).toBe(true);
        else
          expect(['https:', 'cursor:', 'com.example.app:']).toContain(
            protocol.replace(/^(?!https)[a-z-]+\..*/, 'com.example.app:'),
          );
      }
    }),
    { numRuns: 2_000 },
  );
  expect(kept).toBeGreaterThan(20);
});

it('metadata of any shape is taken or refused in the words of RFC 7591 §3.2.2; what is taken is taken again as it is', () => {
  const shaped = fc
    .tuple(anything, fc.option(fc.constant({ redirect_uris: ['https://c.example/cb'] })))
    .map(([given, good]) => ({ ...given, ...good }));
  fc.assert(
    fc.property(shaped, (given) => {
      const metadata = accepted(given as Metadata);
      if (metadata) expect(acceptedMetadata(JSON.parse(JSON.stringify(metadata)), policy)).toEqual(metadata);
    }),
    { numRuns: 2_000 },
  );
});

const ring = { current: sealingKey(random()), previous: [] };
const owner: fc.Arbitrary<Owner> = fc.oneof(
  fc.nat(5),
  fc.record({ nonce: fc.string({ minLength: 1 }), at: fc.nat() }),
);
const description = fc.record({
  metadata: fc.dictionary(fc.string({ maxLength: 20 }), fc.string({ maxLength: 60 }), {
    maxKeys: 6,
    noNullPrototype: true,
  }),
  owner,
});

it('an id says what it was made of, in letters that need no escaping; any bit of it changed, it says nothing', () => {
  const ids = identifiers(ring);
  fc.assert(
    fc.property(description, fc.nat(), fc.integer({ min: 0, max: 7 }), (described, place, bit) => {
      const issued = ids.issue(described);
      expect(issued.id).toMatch(/^c[01]_[\w-]+$/);
      expect(ids.issue(described).id).toBe(issued.id);
      if (!issued.fits) return expect(ids.read(issued.id)).toBeUndefined();
      expect(ids.read(issued.id)).toEqual({
        ...JSON.parse(JSON.stringify(described)),
        id: issued.id,
        secret: issued.secret,
        management: issued.management,
      });
      const bytes = Buffer.from(issued.id);
      const at = place % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      expect(ids.read(bytes.toString('latin1'))).toBeUndefined();
      expect(identifiers({ current: sealingKey(random()), previous: [] }).read(issued.id)).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});
