// What programs ask all day takes a short way. It is no other door: the same is refused, the same is said.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type House, openHouse } from './house.ts';

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const ENDPOINTS = ['/token', '/introspect', '/revoke'];

describe.each([
  ['at an origin', ''],
  ['below a path', '/auth'],
])('%s', (_where, path) => {
  let house: House;
  beforeAll(async () => {
    house = await openHouse({ path });
  });
  afterAll(() => house?.close());

  const post = (
    at: string,
    body = 'client_id=nobody&grant_type=refresh_token',
    headers: Record<string, string> = {},
  ) => house.ask(at, { method: 'POST', body, headers: { ...FORM, ...headers } });

  it.each(ENDPOINTS)('%s says the same on the short way and on the long one', async (at) => {
    const [short, long] = [await post(at), await post(`${at}?`)];
    const said = async (response: Response) => {
      const { trace_id: trace, ...rest } = (await response.json()) as Record<string, string>;
      expect(trace).toBe(response.headers.get('cardea-trace-id'));
      const names = ['content-type', 'cache-control', 'www-authenticate', 'x-content-type-options'];
      const open = ['access-control-allow-origin', 'access-control-expose-headers'];
      return [response.status, rest, [...names, ...open].map((name) => response.headers.get(name))];
    };
    expect(await said(short)).toEqual(await said(long));
    expect(short.status).toBe(401);
    expect(short.headers.get('cache-control')).toBe('no-store');
    expect(short.headers.get('x-content-type-options')).toBe('nosniff');
    // which way it was shows in what only pages need
    expect(short.headers.get('permissions-policy')).toBeNull();
    expect(long.headers.get('permissions-policy')).not.toBeNull();
  });

  it.each(ENDPOINTS)('%s is nowhere but at this origin', async (at) => {
    const body = 'client_id=nobody';
    const rest = `Content-Type: ${FORM['Content-Type']}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
    const ask = (hosts: string[]) =>
      house.raw(`POST ${path}${at} HTTP/1.1\r\n${hosts.map((each) => `Host: ${each}\r\n`).join('')}${rest}`);
    const ours = `127.0.0.1:${house.port}`;
    expect(await ask([ours])).toMatch(/^HTTP\/1\.1 401 /);
    expect(await ask(['evil.example'])).toMatch(/^HTTP\/1\.1 421 /);
    expect(await ask([ours, 'evil.example'])).toMatch(/^HTTP\/1\.1 400 /);
    expect(await ask(['evil.example', ours])).toMatch(/^HTTP\/1\.1 4/);
  });

  it.each(ENDPOINTS)('%s takes POST only, and says so', async (at) => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const response = await house.ask(at, { method });
      expect([response.status, response.headers.get('allow')], method).toEqual([405, 'POST']);
    }
  });

  const client = { redirect_uris: ['http://127.0.0.1/cb'], token_endpoint_auth_method: 'none' };
  const register = (at: string, body = JSON.stringify(client), type = 'application/json') =>
    house.ask(at, { method: 'POST', body, headers: { 'Content-Type': type } });

  it('a registration is answered the same on both ways', async () => {
    const [short, long] = [await register('/register'), await register('/register?')];
    const names = ['content-type', 'cache-control', 'access-control-allow-origin'];
    const said = async (response: Response) => {
      const { client_id_issued_at: _at, ...body } = (await response.json()) as Record<string, unknown>;
      return [response.status, body, names.map((name) => response.headers.get(name))];
    };
    expect(await said(short)).toEqual(await said(long));
    expect([short.status, short.headers.get('cache-control')]).toEqual([201, 'no-store']);
    expect(short.headers.get('permissions-policy')).toBeNull();
    expect(long.headers.get('permissions-policy')).not.toBeNull();
  });

  it.each([
    ['no JSON', '{', 'application/json', 400, 'invalid_client_metadata'],
    ['of another type', JSON.stringify(client), 'text/plain', 400, 'invalid_request'],
    ['a type that begins alike', JSON.stringify(client), 'application/json5', 400, 'invalid_request'],
    ['too long', JSON.stringify({ ...client, x: 'y'.repeat(60 * 1024) }), undefined, 413, 'invalid_request'],
  ])('a registration that is %s is refused on both ways', async (_what, body, type, status, error) => {
    for (const at of ['/register', '/register?']) {
      const response = await register(at, body, type);
      expect([response.status, await response.json()]).toMatchObject([status, { error }]);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      if (status === 413) expect(response.headers.get('connection')).toBe('close');
    }
  });

  it('a token in the address is refused', async () => {
    const response = await post('/token?refresh_token=x');
    expect([response.status, await response.json()]).toMatchObject([400, { error: 'invalid_request' }]);
  });

  it('a body that is too long is refused, and the connection with it', async () => {
    const response = await post('/token', `a=${'b'.repeat(60 * 1024)}`);
    expect([response.status, response.headers.get('connection')]).toEqual([413, 'close']);
  });

  it('whoever hangs up meanwhile harms nobody', async () => {
    const { connect } = await import('node:net');
    await new Promise<void>((resolve, reject) => {
      const socket = connect(house.port, '127.0.0.1', () => {
        const head = `POST ${path}/token HTTP/1.1\r\nHost: 127.0.0.1:${house.port}\r\nContent-Type: ${FORM['Content-Type']}\r\n`;
        socket.write(`${head}Content-Length: 500\r\n\r\nclient_id=`, () => socket.destroy());
      });
      socket.once('error', reject).once('close', () => resolve());
    });
    expect((await post('/token')).status).toBe(401);
    expect(house.lines.join('')).not.toContain('a request failed');
  });
});
