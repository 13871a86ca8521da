// When two spellings are one resource, said once for all spellings: scheme, host, default port, a bare origin's slash.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalResource } from '../src/config/resource-uri.ts';
import { allowedScopes, type Grant } from '../src/domain/grants.ts';

const letters = (alphabet: string, minLength: number, maxLength: number) =>
  fc.array(fc.constantFrom(...alphabet), { minLength, maxLength }).map((list) => list.join(''));
const host = fc.oneof(
  fc.tuple(letters('abcxyz019', 1, 5), fc.constantFrom('example', 'test')).map((parts) => parts.join('.')),
  fc.constantFrom('127.0.0.1', '[::1]', '[2001:db8::a]', 'xn--bcher-kva.example'),
);
const parts = fc.record({
  scheme: fc.constantFrom<string>('https', 'http'),
  host,
  port: fc.constantFrom('', ':443', ':80', ':8443', ':4100'),
  path: fc.oneof(
    fc.constantFrom('', '/', '/mcp', '/MCP', '/mcp/', '//', '/a/../b', '/%6dcp', '/%6Dcp', '/mcp;x'),
    letters('/aB%2f.~;', 0, 8).map((text) => `/${text}`),
  ),
  query: fc.constantFrom('', '?', '?x=1', '?X=1', '?x=1&y=2'),
});
type Parts = typeof parts extends fc.Arbitrary<infer T> ? T : never;
const written = ({ scheme, host, port, path, query }: Parts) => `${scheme}://${host}${port}${path}${query}`;

/** Another way to write the same resource. */
const respelt = (given: Parts, shout: boolean, port: boolean, slash: boolean): string => {
  const standard = given.scheme === 'https' ? ':443' : ':80';
  const bare = ['', '/'].includes(given.path) && given.query === '';
  return written({
    ...given,
    scheme: shout ? given.scheme.toUpperCase() : given.scheme,
    host: shout ? given.host.toUpperCase() : given.host,
    port: ['', standard].includes(given.port) ? (port ? standard : '') : given.port,
    path: bare ? (slash ? '/' : '') : given.path,
  });
};

it('case of scheme and host, the default port and the slash of a bare origin make no difference', () => {
  fc.assert(
    fc.property(parts, fc.boolean(), fc.boolean(), fc.boolean(), (given, shout, port, slash) => {
      expect(canonicalResource(respelt(given, shout, port, slash))).toBe(canonicalResource(written(given)));
    }),
  );
});

it('and nothing else does not: two spellings are one resource only if they are the same in all other parts', () => {
  const meaning = (given: Parts): string => {
    const port = given.port === (given.scheme === 'https' ? ':443' : ':80') ? '' : given.port;
    const path = given.path === '/' && given.query === '' ? '' : given.path;
    return JSON.stringify([given.scheme, given.host, port, path, given.query]);
  };
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      const same = canonicalResource(written(one)) === canonicalResource(written(other));
      expect(same).toBe(meaning(one) === meaning(other));
    }),
  );
  fc.assert(
    fc.property(parts, fc.constantFrom('path', 'query', 'host', 'port'), (given, what) => {
      const changed = {
        path: `${given.path}/x`,
        query: `${given.query || '?'}&z`,
        host: `a${given.host}`,
        port: ':1',
      }[what];
      if (what === 'host' && given.host.startsWith('[')) return;
      expect(canonicalResource(written({ ...given, [what]: changed }))).not.toBe(
        canonicalResource(written(given)),
      );
    }),
  );
});

it('the canonical form of a canonical form is itself, and no text makes it throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), parts.map(written)), (text) => {
      expect(canonicalResource(canonicalResource(text))).toBe(canonicalResource(text));
    }),
  );
});

it('narrowing scopes never widens: what comes out was asked for and is granted, whatever is asked', () => {
  const names = fc.array(fc.constantFrom<string>('a', 'b', 'c', 'd', 'openid', '', '__proto__'));
  fc.assert(
    fc.property(names, names, names, (granted, asked, less) => {
      const grant = { scopes: granted } as Grant;
      const allowed = allowedScopes(grant, asked);
      expect(allowed.every((scope) => granted.includes(scope) && asked.includes(scope))).toBe(true);
      const narrowed = allowedScopes(
        grant,
        allowed.filter((scope) => less.includes(scope)),
      );
      expect(narrowed.every((scope) => allowed.includes(scope))).toBe(true);
    }),
  );
});
