// What somebody is told when something went wrong, and what is written then. THREATS N10.

import { createServer as createHttp, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { audit } from '../../src/domain/audit.ts';
import { Refusal } from '../../src/errors.ts';
import { errors } from '../../src/http/errors.ts';
import { requestScope } from '../../src/http/scope.ts';
import { createLog } from '../../src/log.ts';
import { createMetrics } from '../../src/metrics.ts';
import { unavailable } from '../../src/storage/faults.ts';
import { openStorage, type Storage } from '../../src/storage/open.ts';
import { type House, openHouse } from './house.ts';

describe('what went wrong is told', () => {
  let house: House;
  beforeAll(async () => {
    house = await openHouse();
  });
  afterAll(() => house?.close());

  test('as a page to a person, with what to quote', async () => {
    const response = await house.ask('/no-such-page', { headers: { Accept: 'text/html' } });
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const trace = response.headers.get('cardea-trace-id') ?? '';
    expect(trace.length).toBeGreaterThanOrEqual(12);
    expect(await response.text()).toContain(`<code>${trace}</code>`);
  });

  test('as JSON to a program', async () => {
    const response = await house.ask('/no-such-page', { headers: { Accept: 'application/json' } });
    const body = (await response.json()) as Record<string, string>;
    expect(body['trace_id']).toBe(response.headers.get('cardea-trace-id'));
    expect(body['error']).toBe('invalid_request');
  });

  test('as JSON to whoever takes anything', async () => {
    expect((await house.ask('/no-such-page')).headers.get('content-type')).toMatch(/^application\/json/);
  });

  test('an unknown client at /authorize: JSON where that is asked for, else a page in plain words', async () => {
    const at = '/authorize?response_type=code&client_id=gone&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb';
    const program = await house.ask(at, { headers: { Accept: 'application/json' } });
    expect(program.status).toBe(400);
    expect(await program.json()).toMatchObject({ error: 'invalid_client' });
    const person = await house.ask(at, { headers: { Accept: 'text/html,*/*;q=0.8' } });
    expect(person.status).toBe(400);
    expect(await person.text()).toContain('This app is not known here');
  });

  test('an interaction of another browser has run out, and is no bug', async () => {
    const response = await house.ask('/interaction/abcdefgh', { headers: { Accept: 'text/html' } });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('This sign-in has run out');
    expect(house.lines.join('')).not.toContain('a request failed');
  });

  test('every page forbids scripts, framing, storing and sniffing', async () => {
    for (const at of ['/', '/sign-in', '/no-such-page', '/authorize', '/sign-out']) {
      const { headers } = await house.ask(at);
      expect(headers.get('content-security-policy'), at).toContain("default-src 'none'");
      expect(headers.get('content-security-policy'), at).not.toContain('form-action');
      expect(headers.get('x-frame-options'), at).toBe('DENY');
      expect(headers.get('x-content-type-options'), at).toBe('nosniff');
      expect(headers.get('cache-control'), at).toMatch(/no-store/);
    }
  });

  test('a flow in a pop-up can still answer the page that opened it; the other pages are cut off from it', async () => {
    expect((await house.ask('/authorize')).headers.get('cross-origin-opener-policy')).toBeNull();
    expect((await house.ask('/interaction/abcdefgh')).headers.get('cross-origin-opener-policy')).toBeNull();
    expect((await house.ask('/sign-in')).headers.get('cross-origin-opener-policy')).toBe('same-origin');
  });

  test('the stylesheet may be kept, and is asked for again by its tag', async () => {
    const first = await house.ask('/public/cardea.css');
    expect(first.headers.get('cache-control')).toMatch(/^public/);
    expect(first.headers.get('content-type')).toBe('text/css; charset=utf-8');
    const tag = first.headers.get('etag') ?? '';
    expect(
      (
        await house.ask('/public/cardea.css', {
          headers: { 'If-None-Match': tag, 'Cache-Control': 'max-age=0' },
        })
      ).status,
    ).toBe(304);
    for (const at of ['..%2Fhtml.ts', 'cardea.css%00', '__proto__', '%2e%2e%2fpackage.json'])
      expect((await house.ask(`/public/${at}`)).status, at).toBe(404);
  });
});

describe('one request, one commit', () => {
  let server: Server | undefined;
  let storage: Storage | undefined;
  afterEach(async () => {
    server?.close();
    await storage?.close();
  });

  /** A server of one handler, which writes an audit record (kept) and an account (not kept) before it runs. */
  async function serving(handler: (ctx: Koa.Context) => void | Promise<void>) {
    const lines: string[] = [];
    const log = createLog({ level: 'info', write: (line) => void lines.push(line) });
    const opened = await openStorage({ kind: 'sqlite', file: ':memory:' });
    storage = opened;
    const record = audit({ store: opened.audit, clock: () => 1 });
    const failures = errors({ log, metrics: createMetrics({ process: false }), explain: unavailable });
    const app = new Koa();
    app.use(async (ctx, next) => {
      Object.assign(ctx.state, { traceId: 'trace-of-a-test', base: '' });
      await next();
    });
    app.use(requestScope({ work: opened.work, fail: failures.fail }));
    app.use(async (ctx) => {
      const work = ctx.state['work'];
      record.record(work, { action: 'test.done' });
      const row = { id: 'a', username: 'a', name: 'a', password: null, administrator: false };
      work.add(opened.accounts.insert({ ...row, createdAt: 1, disabledAt: null }));
      await handler(ctx);
    });
    server = createHttp(app.callback()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server?.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    return {
      lines,
      post: (at: string) => fetch(`http://127.0.0.1:${port}${at}`, { method: 'POST' }),
      written: async () => [
        (await opened.audit.latest(9)).length,
        (await Array.fromAsync(opened.accounts.list())).length,
      ],
    };
  }

  test('what succeeds is written', async () => {
    const { post, written } = await serving((ctx) => {
      ctx.body = 'ok';
    });
    expect((await post('/token')).status).toBe(200);
    expect(await written()).toEqual([1, 1]);
  });

  test('a refused token request keeps only what is kept', async () => {
    const { post, written } = await serving((ctx) => {
      ctx.status = 400;
    });
    expect((await post('/token')).status).toBe(400);
    expect(await written()).toEqual([1, 0]);
  });

  test('a Refusal that is thrown keeps only what is kept', async () => {
    const { post, written } = await serving(() => {
      throw new Refusal('No.', { reason: 'no', status: 409 });
    });
    const response = await post('/somewhere');
    expect([response.status, (await response.text()).includes('No.')]).toEqual([409, true]);
    expect(await written()).toEqual([1, 0]);
  });

  test('a fault leaves nothing, is logged once under the trace id, and is not told', async () => {
    const { post, written, lines } = await serving((ctx) => {
      ctx.set('Set-Cookie', 'a=b');
      throw new Error('the inner workings');
    });
    const response = await post('/token');
    expect(response.status).toBe(500);
    expect(response.headers.getSetCookie()).toEqual([]);
    const body = await response.text();
    expect(JSON.parse(body)).toMatchObject({ error: 'server_error', trace_id: 'trace-of-a-test' });
    expect(body).not.toContain('inner workings');
    expect(await written()).toEqual([0, 0]);
    expect(
      lines.filter((line) => line.includes('the inner workings') && line.includes('trace-of-a-test')),
    ).toHaveLength(1);
  });

  test('a database that is away is 503, with a time to come again', async () => {
    const { post, written } = await serving(() => {
      throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' });
    });
    const response = await post('/token');
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await response.json()).toMatchObject({ error: 'temporarily_unavailable' });
    expect(await written()).toEqual([0, 0]);
  });

  test('an answer whose commit is lost is not given', async () => {
    const { post, written } = await serving((ctx) => {
      ctx.body = { access_token: 'a token that must not leave' };
      ctx.set('Set-Cookie', 'a=b');
      const lost = async () => new Refusal('Too late.', { reason: 'late', oauth: 'invalid_grant' });
      ctx.state['work'].add({ ...storage?.accounts.disable('nobody', 1), must: true, lost });
    });
    const response = await post('/token');
    expect(response.status).toBe(400);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(await response.json()).toMatchObject({ error: 'invalid_grant', error_description: 'Too late.' });
    expect(await written()).toEqual([1, 0]);
  });
});
