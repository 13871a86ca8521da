// How long an answer may be kept (RFC 9111 §4.2), between a floor and a ceiling of ours.

import type { IncomingHttpHeaders } from 'node:http';

// Not even what asks not to be kept is fetched twice for one person's connecting: a spray of requests must not become
// a spray of fetches. The ceiling is a day, after which a client that was taken over cannot hide (CIMD §6.6).
const SHORTEST = 60_000;
const LONGEST = 24 * 3600_000;
const USUAL = 3600_000;

function directives(header: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of header.toLowerCase().split(',')) {
    const [name = '', value = ''] = part.split('=', 2).map((each) => each.trim().replace(/^"|"$/g, ''));
    // RFC 9111 §4.2.1: of several, the first or the most restrictive
    if (!found.has(name)) found.set(name, value);
  }
  return found;
}

const seconds = (value: string | undefined): number | undefined =>
  value !== undefined && /^\d{1,10}$/.test(value) ? Number(value) * 1000 : undefined;

/** In ms; `now` in ms since the epoch. */
export function freshFor(headers: IncomingHttpHeaders, now: number): number {
  const control = directives(headers['cache-control'] ?? '');
  // We are a shared cache, so that `private` is not for us (§5.2.2.7); `Vary: *` fits no second request (§4.1).
  if (['no-store', 'no-cache', 'private'].some((name) => control.has(name)) || headers.vary === '*')
    return SHORTEST;
  const stated = control.has('s-maxage') ? 's-maxage' : control.has('max-age') ? 'max-age' : undefined;
  let life = USUAL;
  // §4.2.1: s-maxage before max-age before Expires; what cannot be read is stale already
  if (stated !== undefined) life = seconds(control.get(stated)) ?? 0;
  else if (headers.expires !== undefined) {
    const until = Date.parse(headers.expires);
    const sent = Date.parse(headers.date ?? '');
    life = Number.isNaN(until) ? 0 : until - (Number.isNaN(sent) ? now : sent);
  }
  const age = seconds(headers.age) ?? 0; // §5.1: how old it was when we got it
  return Math.min(LONGEST, Math.max(SHORTEST, life - age));
}
