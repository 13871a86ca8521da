import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redirectUriProblem } from '../src/config/redirect-uri.ts';
import { canonicalResource } from '../src/config/resource-uri.ts';

describe('the canonical resource', () => {
  test.each([
    ['HTTPS://MCP.Example:443/', 'https://mcp.example'],
    ['http://h:80/mcp', 'http://h/mcp'],
    ['https://h/mcp/', 'https://h/mcp/'],
    ['https://h/a/../MCP%2f?Q=1', 'https://h/a/../MCP%2f?Q=1'],
    ['https://h:80', 'https://h:80'],
    ['https://[::1]:443/x', 'https://[::1]/x'],
    ['urn:Thing', 'urn:Thing'],
  ])('of %s is %s', (uri, canonical) => expect(canonicalResource(uri)).toBe(canonical));

  const host = fc.stringMatching(/^[A-Za-z0-9.-]{1,12}$/);
  const path = fc.stringMatching(/^(\/[A-Za-z0-9%._~-]{0,6}){0,4}$/);
  const uri = fc
    .tuple(fc.constantFrom('http', 'https', 'HTTPS'), host, fc.constantFrom('', ':443', ':80', ':8443'), path)
    .map(([s, h, p, rest]) => `${s}://${h}${p}${rest}`);

  test('is its own canonical form, for any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          uri,
          fc.webUrl(),
          fc.string(),
          fc.string().map((s) => `https://${s}`),
        ),
        (text) => {
          expect(canonicalResource(canonicalResource(text))).toBe(canonicalResource(text));
        },
      ),
    );
  });

  test('never joins two paths, but for the slash of a bare origin', () => {
    fc.assert(
      fc.property(host, path, path, (h, a, b) => {
        const bare = (p: string) => (p === '/' ? '' : p);
        fc.pre(bare(a) !== bare(b));
        expect(canonicalResource(`https://${h}${a}`)).not.toBe(canonicalResource(`https://${h}${b}`));
      }),
    );
  });

  test('never joins a host with a letter that only looks the same', () => {
    expect(canonicalResource('https://\u212A.example')).not.toBe(canonicalResource('https://k.example'));
  });
});

describe('a redirect URI', () => {
  const schemes = ['cursor', 'vscode'];

  test.each([
    'https://claude.ai/api/mcp/auth_callback',
    'http://localhost/callback',
    'http://127.0.0.1:33418/',
    'http://[::1]:8080/cb',
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'com.example.app:/oauth',
    'https://c.example/cb?tenant=1',
  ])('may be %s', (uri) => expect(redirectUriProblem(uri, schemes)).toBeUndefined());

  test.each([
    '',
    ' ',
    '/cb',
    'http://evil.example/cb',
    'https://u:p@c.example/cb',
    'https://c.example/cb#',
    'https://*.example/cb',
    'https://c.example/*',
    'https://c.example\\@evil.example/',
    'https://c.example/a/../b',
    'https://c.example/%2e%2e/b',
    'https://2130706433/cb',
    'https://0x7f.1/cb',
    'https://169.254.169.254/cb',
    'https://[::ffff:127.0.0.1]/cb',
    'https://ex\u0430mple.com/',
    'https://c.example./',
    'http://localhost.evil.example/',
    'https:///cb',
    'https:c.example',
    'javascript:alert(1)',
    'JavaScript://c.example/%0aalert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'vbscript:x',
    'about:blank',
    'blob:https://c.example/1',
    'ms-msdt:/x',
    'view-source:https://x/',
    'mailto:x@y',
    'intent://x',
    'ws://c.example/',
    'windsurf://x/cb',
    'cursor:',
    'cursor://',
    'com.example.app:/a#b',
    'https://c.example/\n',
  ])('is refused as %j', (uri) => expect(redirectUriProblem(uri, schemes)).toBeTypeOf('string'));

  test('no list can allow a scheme that the browser acts on', () => {
    expect(redirectUriProblem('javascript:/x', ['javascript'])).toBeTypeOf('string');
  });

  test('that is taken always parses, and goes by https, to loopback or to an allowed scheme', () => {
    const prefix = fc.constantFrom(
      'https://',
      'http://',
      'http://127.0.0.1',
      'cursor:',
      'cursor://',
      'data:',
      'javascript:',
      'com.x:/',
      '',
    );
    fc.assert(
      fc.property(
        prefix,
        fc.string({ unit: fc.oneof(fc.constantFrom(...'/.:@#?\\%[]*'), fc.string({ maxLength: 3 })) }),
        (start, rest) => {
          const uri = start + rest;
          if (redirectUriProblem(uri, schemes) !== undefined) return;
          const { protocol, hostname, username, password, hash } = new URL(uri);
          expect([username, password, hash]).toEqual(['', '', '']);
          expect(
            /^(https|cursor|vscode|[a-z0-9-]+(\.[a-z0-9-]+)+):$/.test(protocol) ||
              ['127.0.0.1', 'localhost', '[::1]'].includes(hostname),
          ).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
