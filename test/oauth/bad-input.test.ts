// Input that no honest client sends, at every address that reads some: a clear refusal with a trace id, and
// nothing is written.

import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { authorize, authorizeUrl, CALLBACK, get, register } from '../support/flow.ts';
import { raw } from '../support/raw.ts';
import { SERVER } from '../support/server.ts';
import { alex, server } from '../support/signed-in.ts';
import { stored } from '../support/stored.ts';

let client_id: string;
beforeAll(async () => {
  client_id = (await register(server)).client_id;
});

const FORMS = ['/token', '/introspect', '/revoke'];
const FORM = 'application/x-www-form-urlencoded';
const basic = `Basic ${Buffer.from(`${SERVER.id}:${SERVER.secret}`).toString('base64')}`;

/** Everything but the record of what was refused, and who is known to have been seen. */
function substance(): string {
  const { audit: _record, ...rest } = stored(server);
  return JSON.stringify(rest);
}

async function refused(
  path: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
  codes = [400, 401, 413, 415],
) {
  const before = substance();
  const response = await fetch(server.issuer + path, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': FORM, ...headers },
    body,
  });
  const answer = (await response.json()) as Record<string, unknown>;
  expect([path, codes.includes(response.status), response.status]).toEqual([path, true, response.status]);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(answer).toMatchObject({
    error: expect.stringMatching(/^[a-z_]+$/),
    error_description: expect.stringMatching(/\w/),
    trace_id: expect.any(String),
  });
  expect(answer['trace_id']).toBe(response.headers.get('cardea-trace-id'));
  expect(substance()).toBe(before);
  return answer;
}

describe.each(FORMS)('%s refuses', (path) => {
  it.each([
    ['nothing at all', ''],
    ['only a client', `client_id=nobody`],
    ['no pairs', '&&&===&'],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x26])],
    ['percent signs that encode nothing', 'grant_type=%zz&token=%'],
    ['ten thousand fields', 'a=1&'.repeat(10_000)],
  ])('%s', async (_what, body) => {
    await refused(path, body);
  });

  it.each([
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/octet-stream',
    'nonsense',
    '',
  ])('a body of type %j', async (type) => {
    await refused(path, `token=x&client_id=${client_id}&grant_type=refresh_token&refresh_token=x`, {
      'content-type': type,
    });
  });

  it.each([
    ['no base64', 'Basic !!!'],
    ['no colon', `Basic ${Buffer.from('nocolon').toString('base64')}`],
    ['nothing', 'Basic '],
    ['an empty id', `Basic ${Buffer.from(':secret').toString('base64')}`],
    ['an empty secret', `Basic ${Buffer.from(`${SERVER.id}:`).toString('base64')}`],
    ['two colons', `Basic ${Buffer.from(`${SERVER.id}:x:y`).toString('base64')}`],
    ['percent signs that encode nothing', `Basic ${Buffer.from('%zz:%').toString('base64')}`],
    ['NUL', `Basic ${Buffer.from('a\0:b\0').toString('base64')}`],
    ['eight kilobytes', `Basic ${'A'.repeat(8000)}`],
    ['another scheme', 'Digest username="x"'],
    ['another way beside it', basic],
  ])('an Authorization header with %s', async (what, authorization) => {
    const body = what.startsWith('another way')
      ? `token=x&client_id=${client_id}&client_secret=y`
      : 'token=x';
    await refused(path, body, { authorization });
  });
});

describe.each([...FORMS, '/par', '/register'])('%s', (path) => {
  it.each(['gzip', 'deflate', 'br', 'x-gzip', 'identity, gzip'])(
    'takes no body packed by %s',
    async (encoding) => {
      const type = path === '/register' ? 'application/json' : FORM;
      const packed = gzipSync(Buffer.alloc(20_000_000, 'a')); // 20 KB of it would be 20 MB
      await refused(path, packed, { 'content-type': type, 'content-encoding': encoding });
    },
  );

  it.each([60_000, 2_000_000])(
    'takes no body of %d bytes, and the connection is not used again',
    async (length) => {
      const before = substance();
      // An agent of its own: a connection on which half a body is left would hold up whoever is next.
      const { status, head } = await raw(
        server.issuer,
        [
          `POST ${path} HTTP/1.1`,
          `Host: ${new URL(server.issuer).host}`,
          `Content-Type: ${path === '/register' ? 'application/json' : FORM}`,
          `Content-Length: ${length}`,
        ],
        'x'.repeat(length),
        'keep-alive',
      );
      expect([400, 413]).toContain(status);
      expect(head).toMatch(/^connection: close/im);
      expect(substance()).toBe(before);
    },
  );
});

describe('the token endpoint refuses', () => {
  it.each(['grant_type', 'code', 'redirect_uri', 'client_id', 'code_verifier'])(
    '%s sent twice',
    async (name) => {
      const { code, verifier, client, redeemWith } = await authorize(server, { by: alex });
      const fields: Record<string, string> = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: CALLBACK,
        client_id: client.client_id,
        code_verifier: verifier,
      };
      await refused(
        '/token',
        `${new URLSearchParams(fields)}&${name}=${encodeURIComponent(fields[name] ?? '')}`,
      );
      // and it cost nothing
      expect((await redeemWith()).status).toBe(200);
    },
  );

  it.each([
    ['NUL in the code', 'code=%00'],
    ['a code that is an object', 'code[a]=1&code[b]=2'],
    ['names of the language', '__proto__=x&constructor=y&toString=z&code=a'],
    ['a secret in the query', ''],
  ])('%s', async (what, more) => {
    const path = what.endsWith('query') ? '/token?client_secret=x' : '/token';
    await refused(path, `grant_type=authorization_code&client_id=${client_id}&redirect_uri=x&${more}`);
  });

  it('an assertion that is none', async () => {
    const type = encodeURIComponent('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    for (const assertion of ['x', 'a.b.c', 'e30.e30.', '', 'eyJhbGciOiJub25lIn0.e30.']) {
      const body = `grant_type=authorization_code&code=x&client_assertion_type=${type}&client_assertion=${assertion}`;
      await refused('/token', body);
    }
  });
});

describe('the authorization endpoint refuses', () => {
  it.each([
    ['a parameter of nine kilobytes', { state: 's', resource: 'x'.repeat(9000) }],
    ['claims that are none', { scope: 'openid library:read', claims: '{' }],
    ['an age before birth', { scope: 'openid library:read', max_age: '-1' }],
    ['an age beyond all', { scope: 'openid library:read', max_age: '1e99' }],
    ['a hint that is none', { scope: 'openid library:read', id_token_hint: 'a.b.c' }],
    ['NUL in a scope', { scope: 'library:read\u0000' }],
    ['a scope of strange letters', { scope: 'library:read "\\' }],
    ['a prompt that contradicts itself', { prompt: 'none consent' }],
    ['everything twice', { response_type: ['code', 'code'], scope: ['a', 'b'] }],
    ['a state with NUL', { state: 'a\u0000b', response_type: 'x' }],
  ])('%s, or leaves it aside, and does not break', async (_what, params) => {
    const response = await get(authorizeUrl(server, { client_id, ...params }));
    expect(response.status).toBeLessThan(500);
    expect(response.headers.get('location') ?? '').not.toMatch(/[\r\n\0]/);
    expect(response.headers.get('location') ?? '').not.toContain('server_error');
  });

  it('ten thousand parameters', async () => {
    const target = authorizeUrl(server, { client_id }).slice(server.issuer.length);
    const { status } = await raw(server.issuer, [
      `GET ${target}${'&a=1'.repeat(3000)} HTTP/1.1`,
      `Host: ${new URL(server.issuer).host}`,
    ]);
    expect(status).toBeLessThan(500);
  });

  it.each([
    'cardea_session=x',
    'cardea_interaction=x; cardea_interaction.sig=y',
    '=',
    'a=b; '.repeat(150),
    'cardea_session=%zz',
  ])('no browser because of its cookies: %.40s', async (cookie) => {
    const response = await get(authorizeUrl(server, { client_id }), { cookie });
    expect(response.status).toBe(303);
  });
});

describe('a page refuses', () => {
  it.each([
    '/sign-in',
    '/sign-out',
    '/connections/end',
    '/connections/end-all',
    '/setup/x',
    '/interaction/x',
  ])('%s: bodies that no browser sends', async (path) => {
    for (const [type, body] of [
      ['application/json', '{}'],
      ['text/plain', 'csrf=x'],
      [FORM, '%zz'],
      [FORM, 'username=%00&password=x&csrf=x'],
      [FORM, `csrf=${'x'.repeat(100_000)}`],
      [FORM, 'csrf=a&csrf=b'],
      [FORM, 'a=1&'.repeat(5000)],
    ]) {
      const before = substance();
      const response = await fetch(server.issuer + path, {
        method: 'POST',
        redirect: 'manual',
        headers: { accept: 'text/html', 'content-type': type ?? '' },
        body: body ?? '',
      });
      expect([path, body?.slice(0, 20), response.status < 500]).toEqual([path, body?.slice(0, 20), true]);
      expect(response.headers.get('content-type') ?? 'text/html').toMatch(/^text\/html/);
      expect(substance()).toBe(before);
    }
  });
});

it('what breaks off in the middle leaves nothing, and the server goes on', async () => {
  const before = substance();
  const host = new URL(server.issuer).host;
  await raw(
    server.issuer,
    ['POST /token HTTP/1.1', `Host: ${host}`, `Content-Type: ${FORM}`, 'Transfer-Encoding: chunked'],
    'zz\r\n',
  );
  expect(substance()).toBe(before);
  expect((await fetch(`${server.issuer}/health`)).status).toBe(200);
});
