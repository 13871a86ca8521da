// How a real request is changed: by its grammar (a parameter dropped, repeated, replaced; another method, another
// kind of body), and below it (bytes that are no text, paths that are not quite the path). Called by fuzz.test.ts.

import fc from 'fast-check';
import type { Shot } from './shot.ts';

/** A request as bytes: lines without their ends, and a body. */
export type Wire = { target: string; lines: string[]; body: Buffer };

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'];

/** Already escaped, as they stand in a query or a form. */
const VALUES = [
  '',
  '%00',
  'a%00b',
  '%ED%A0%80',
  '%C0%AF',
  '%ff%fe',
  '%',
  '%zz',
  '%EF%BB%BF',
  '%E2%80%A8',
  '%0d%0aX-Injected:%20yes',
  '__proto__',
  'constructor',
  'null',
  '[object%20Object]',
  '-1',
  '1e309',
  '9007199254740993',
  '%D9%A3',
  'https%3A%2F%2Fevil.example%2Fcb',
  '%2F%2Fevil.example',
  'http%3A%2F%2F127.0.0.1%3A3999%2Fcallback%40evil.example',
  'http%3A%2F%2F127.0.0.1%3A3999%2Fcallback%5C.evil.example',
  'http%3A%2F%2F127.0.0.1%3A3999%2F..%2Fcallback',
  'javascript%3Aalert(1)',
  '%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E',
  'none',
  'none%20login%20consent',
  'openid%20offline_access',
  '%20library%3Aread%20%20nope',
  '%7B%22a%22%3A%7B%7D%7D',
  'eyJhbGciOiJub25lIn0.e30.',
  'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.AAAA',
  'a'.repeat(3000),
  '%F0%9F%9A%AA'.repeat(300),
] as const;

const NAMES = [
  'client_id',
  'client_id[]',
  'client_secret',
  'redirect_uri',
  'resource',
  'scope',
  'prompt',
  'max_age',
  'claims',
  'request',
  'request_uri',
  'id_token_hint',
  'login_hint',
  'response_mode',
  'response_type',
  'code_challenge_method',
  'grant_type',
  'token',
  'token_type_hint',
  'client_assertion',
  'client_assertion_type',
  'dpop_jkt',
  'acr_values',
  'ui_locales',
  'registration',
  'nonce',
  '__proto__',
  'csrf',
  'decision',
  'tool',
  'scope',
  'grant',
] as const;

const HEADERS: readonly (readonly [string, string])[] = [
  ['Content-Type', 'application/json'],
  ['Content-Type', 'application/x-www-form-urlencoded; charset=utf-16'],
  ['Content-Type', 'multipart/form-data; boundary=x'],
  ['Content-Type', 'text/plain'],
  ['Content-Type', ','],
  ['Content-Encoding', 'gzip'],
  ['Accept', 'application/json'],
  ['Accept', 'image/*;q=x,,;'],
  ['Authorization', 'Basic'],
  ['Authorization', 'Basic ::::'],
  ['Authorization', 'Basic YQ=='],
  ['Authorization', 'Basic JTAwOiVmZg=='],
  ['Authorization', 'Bearer x'],
  ['Authorization', 'DPoP x'],
  ['DPoP', 'eyJ0eXAiOiJkcG9wK2p3dCJ9.e30.x'],
  ['Cookie', 'cardea_session=__proto__; cardea_session.sig=x; cardea_interaction=%00'],
  ['Cookie', '=;;=;"'],
  ['Origin', 'null'],
  ['Origin', 'https://evil.example'],
  ['Referer', 'https://evil.example/'],
  ['Sec-Fetch-Site', 'cross-site'],
  ['X-Forwarded-Host', 'evil.example'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-For', '\u00ff, 127.0.0.1'],
  ['Forwarded', 'host=evil.example'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['X-Original-URL', '/connections'],
  ['If-None-Match', '*'],
  ['Range', 'bytes=0-0,5-'],
  ['Expect', '100-continue'],
  ['Upgrade', 'h2c'],
  ['Access-Control-Request-Method', 'POST'],
  ['MCP-Protocol-Version', '2025-11-25'],
  ['X-Long', 'x'.repeat(9000)],
];

const SUFFIXES = [
  '/',
  '//',
  ';.css',
  '/x.css',
  '%2f',
  '/..',
  '/%2e%2e/token',
  '%00',
  '%ff',
  '.',
  '/__proto__',
  '?',
  '#x',
];

const escaped = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+');

type Pairs = [string, string][];
type Body = 'kept' | 'json' | 'form' | 'cut' | 'none' | 'bytes' | 'deep' | 'huge';

type Change = {
  method: string | undefined;
  path: { prefix: string; suffix: string; upper: boolean } | undefined;
  drop: number[];
  repeat: number[];
  replace: [number, string][];
  add: [string, string][];
  headers: (readonly [string, string])[];
  without: number[];
  body: Body;
  bytes: Uint8Array;
};

const few = <T>(one: fc.Arbitrary<T>, most = 2): fc.Arbitrary<T[]> => fc.array(one, { maxLength: most });
const seldom = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: one });
const place = fc.nat(20);
const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...VALUES) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'binary', maxLength: 40 }).map((text) => escaped(text.toWellFormed())),
  },
);

export const change: fc.Arbitrary<Change> = fc.record({
  method: seldom(fc.constantFrom(...METHODS)),
  path: seldom(
    fc.record({
      prefix: fc.constantFrom('', '/', '/.', '/public/..', '/mcp'),
      suffix: fc.constantFrom('', ...SUFFIXES),
      upper: fc.boolean(),
    }),
  ),
  drop: few(place, 1),
  repeat: few(place, 1),
  replace: few(fc.tuple(place, value)),
  add: few(fc.tuple(fc.constantFrom(...NAMES), value)),
  headers: few(fc.constantFrom(...HEADERS)),
  without: few(fc.nat(6), 1),
  body: fc.oneof(
    { weight: 8, arbitrary: fc.constant<Body>('kept') },
    { weight: 3, arbitrary: fc.constantFrom<Body>('json', 'form', 'cut', 'none', 'bytes', 'deep', 'huge') },
  ),
  bytes: fc.uint8Array({ maxLength: 60 }),
});

function changed(pairs: Pairs, { drop, repeat, replace, add }: Change): string {
  const parts = pairs.map(([name, text]): [string, string] => [escaped(name), escaped(text)]);
  for (const [at, text] of replace) {
    const part = parts[at % Math.max(1, parts.length)];
    if (part) part[1] = text;
  }
  for (const at of repeat) {
    const part = parts[at % Math.max(1, parts.length)];
    if (part) parts.push([...part]);
  }
  for (const at of drop) parts.splice(at % Math.max(1, parts.length), 1);
  return [...parts, ...add].map(([name, text]) => `${name}=${text}`).join('&');
}

/** JSON members of every kind of wrongness in place of what an honest client sends. */
function changedJson(json: Record<string, unknown>, { drop, replace, add }: Change): string {
  const odd = [null, [], {}, 0, -1, true, '', '\u0000', '\ud800', ['\u0000'], [null], { a: { a: {} } }];
  const members = Object.entries(json);
  for (const [at, text] of replace) {
    const member = members[at % Math.max(1, members.length)];
    if (member) member[1] = at % 2 === 0 ? odd[(at + text.length) % odd.length] : unescaped(text);
  }
  for (const at of drop) members.splice(at % Math.max(1, members.length), 1);
  const more = add.map(([name, text]): [string, unknown] => [name, [unescaped(text)]]);
  return `{${[...members, ...more].map(([name, each]) => `${JSON.stringify(name)}:${JSON.stringify(each)}`).join(',')}}`;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function bodyOf(shot: Shot, plan: Change): { type?: string; body: Buffer } {
  const form = {
    type: 'application/x-www-form-urlencoded',
    body: Buffer.from(changed(shot.form ?? [], plan)),
  };
  const json = {
    type: 'application/json',
    body: Buffer.from(changedJson(shot.json ?? Object.fromEntries(shot.form ?? []), plan)),
  };
  const kept = shot.json ? json : shot.form ? form : { body: Buffer.alloc(0) };
  switch (plan.body) {
    case 'kept':
      return kept;
    case 'json':
      return json;
    case 'form':
      return form;
    case 'cut':
      return { ...kept, body: kept.body.subarray(0, kept.body.length >> 1) };
    case 'none':
      return { ...kept, body: Buffer.alloc(0) };
    case 'bytes':
      return { ...kept, body: Buffer.from(plan.bytes) };
    case 'deep':
      return { ...json, body: Buffer.from('['.repeat(20_000)) };
    case 'huge':
      return { ...kept, body: Buffer.alloc(200_000, 'a=b&') };
  }
}

/** What goes over the wire. Header lines that stand twice are sent twice. */
export function wire(shot: Shot, plan: Change, host: string): Wire {
  const { type, body } = bodyOf(shot, plan);
  const method = plan.method ?? shot.method;
  const query = changed(
    shot.query,
    shot.query.length > 0 || !(shot.form || shot.json) ? plan : { ...plan, add: [] },
  );
  const { prefix = '', suffix = '', upper = false } = plan.path ?? {};
  const path = upper ? shot.path.toUpperCase() : shot.path;
  const target = `${prefix}${path}${suffix}${query && `?${query}`}`;
  const own = shot.headers.filter((_, at) => !plan.without.includes(at));
  const headers = [...own, ...(type ? [['Content-Type', type] as const] : []), ...plan.headers];
  const length = body.length > 0 || !['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(method);
  return {
    target,
    lines: [
      `${method} ${target} HTTP/1.1`,
      `Host: ${host}`,
      ...headers.map(([name, text]) => `${name}: ${text}`),
      ...(length ? [`Content-Length: ${body.length}`] : []),
    ],
    body,
  };
}
