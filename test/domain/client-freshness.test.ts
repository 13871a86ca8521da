// How long a metadata document is kept (RFC 9111; THREATS C24) and whose is believed (C35).

import { describe, expect, it } from 'vitest';
import { freshFor } from '../../src/domain/clients/freshness.ts';
import { hostAllowed } from '../../src/domain/clients/hosts.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const http = (ms: number): string => new Date(NOW + ms).toUTCString();
const MINUTE = 60;
const HOUR = 3600;
const DAY = 24 * HOUR;

describe('a document is kept', () => {
  it.each<[string, Record<string, string>, number]>([
    ['an hour when nothing is said', {}, HOUR],
    ['as long as max-age says', { 'cache-control': 'public, max-age=600' }, 600],
    ['as s-maxage says, for it is shared', { 'cache-control': 'max-age=600, s-maxage="900"' }, 900],
    ['less what it was old already', { 'cache-control': 'max-age=600', age: '200' }, 400],
    ['as Expires says', { expires: http(700_000), date: http(0) }, 700],
    ['as Expires says of their clock, not ours', { expires: http(-3_000_000), date: http(-3_700_000) }, 700],
    ['as max-age says whatever Expires does', { 'cache-control': 'max-age=600', expires: '0' }, 600],
    ['a minute at least', { 'cache-control': 'max-age=0' }, MINUTE],
    ['a minute with no-store', { 'cache-control': 'No-Store, max-age=9999' }, MINUTE],
    ['a minute with no-cache', { 'cache-control': 'no-cache' }, MINUTE],
    ['a minute with private', { 'cache-control': 'private="x", max-age=9999' }, MINUTE],
    ['a minute with Vary: *', { vary: '*', 'cache-control': 'max-age=9999' }, MINUTE],
    ['a minute when it has expired', { expires: http(-1000), date: http(0) }, MINUTE],
    ['a minute when Expires cannot be read', { expires: '0' }, MINUTE],
    ['a minute when max-age cannot be read', { 'cache-control': 'max-age=-5' }, MINUTE],
    ['a minute when it is older than it may be', { 'cache-control': 'max-age=600', age: '9999' }, MINUTE],
    ['a day at most', { 'cache-control': 'max-age=9000000000' }, DAY],
    ['a day at most, by Expires', { expires: http(1e12), date: http(0) }, DAY],
  ])('%s', (_how, headers, seconds) => {
    expect(freshFor(headers, NOW)).toBe(seconds * 1000);
  });
});

describe('of hosts', () => {
  const only = { allow: ['claude.ai', '*.app.example'], deny: [] };
  it.each([
    ['https://claude.ai/c.json', true],
    ['https://CLAUDE.AI/c.json', true],
    ['https://claude.ai:8443/c.json', true],
    ['https://claude.ai./c.json', true],
    ['https://evil-claude.ai/c.json', false],
    ['https://claude.ai.evil.com/c.json', false],
    ['https://x.claude.ai/c.json', false],
    ['https://claude.ai@evil.com/c.json', false],
    ['https://cl\u0430ude.ai/c.json', false],
    ['https://one.app.example/c.json', true],
    ['https://one.two.app.example/c.json', true],
    ['https://app.example/c.json', false],
    ['https://evilapp.example/c.json', false],
    ['https://app.example.evil.com/c.json', false],
  ])('%s is in the list: %s', (url, allowed) => {
    expect(hostAllowed(url, only)).toBe(allowed);
  });

  it.each([
    ['https://evil.example/c.json', false],
    ['https://EVIL.example./c.json', false],
    ['https://x.bad.example/c.json', false],
    ['https://bad.example/c.json', true],
    ['https://other.example/c.json', true],
  ])('%s passes the list of the denied: %s', (url, allowed) => {
    expect(hostAllowed(url, { allow: [], deny: ['evil.example', '*.bad.example'] })).toBe(allowed);
    expect(
      hostAllowed(url, { allow: ['*.example', 'evil.example'], deny: ['evil.example', '*.bad.example'] }),
    ).toBe(allowed);
  });
});
