import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientAddress, networks } from '../../src/http/guard.ts';
import { type House, openHouse } from './house.ts';

const METADATA = '/.well-known/oauth-authorization-server';

describe('the origin is pinned', () => {
  let house: House;
  beforeAll(async () => {
    house = await openHouse();
  });
  afterAll(() => house?.close());

  const host = (): string => `127.0.0.1:${house.port}`;
  const get = (target: string, headers: string[]): Promise<string> =>
    house.raw(
      `GET ${target} HTTP/1.1\r\n${headers.map((each) => `${each}\r\n`).join('')}Connection: close\r\n\r\n`,
    );

  test('a request for another host is refused', async () => {
    for (const name of [
      'evil.example',
      '127.0.0.1',
      `127.0.0.1:${house.port + 1}`,
      `${host()}.evil.example`,
    ]) {
      const answer = await get(METADATA, [`Host: ${name}`]);
      expect(answer).toMatch(/^HTTP\/1\.1 421 /);
      expect(answer).not.toContain('token_endpoint');
    }
  });

  test('a request target of another origin is refused', async () => {
    const answer = await get(`http://evil.example${METADATA}`, [`Host: ${host()}`]);
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
    expect(await get('*', [`Host: ${host()}`])).toMatch(/^HTTP\/1\.1 4/);
  });

  test('a request target of this origin is served', async () => {
    expect(await get(`${house.issuer}${METADATA}`, [`Host: ${host()}`])).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('two Host headers are refused', async () => {
    expect(await get('/', [`Host: ${host()}`, 'Host: evil.example'])).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('what a stranger says it was forwarded for changes no address', async () => {
    const plain = await (await house.ask(METADATA)).text();
    const headers = {
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Port': '1',
      Forwarded: 'host=evil.example;proto=https',
      'X-Original-URL': '/jwks',
    };
    expect(await (await house.ask(METADATA, { headers })).text()).toBe(plain);
    const sent = await house.ask('/connections', { headers });
    expect(sent.headers.get('location')).toMatch(/^\/sign-in/);
  });

  test('health is answered by whatever name a load balancer asks', async () => {
    expect(await get('/health', ['Host: 10.0.0.7'])).toMatch(/^HTTP\/1\.1 200 /);
    expect(await get('/ready', ['Host: 10.0.0.7'])).toMatch(/^HTTP\/1\.1 200 /);
    expect(await get('/ready/../', ['Host: 10.0.0.7'])).toMatch(/^HTTP\/1\.1 421 /);
  });

  test('HEAD /authorize is refused and leaves no cookie', async () => {
    const response = await house.ask('/authorize', { method: 'HEAD' });
    expect(response.status).toBe(405);
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  test('a method is what the request line says', async () => {
    const response = await house.ask('/sign-out', {
      method: 'PUT',
      headers: { 'X-HTTP-Method-Override': 'POST' },
    });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD, POST');
    expect((await house.ask('/connections/end')).headers.get('allow')).toBe('POST');
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'])
      expect((await house.ask('/', { method })).status, method).toBe(405);
  });
});

test('an issuer with a path is served below it, its metadata also in the path-inserted form', async () => {
  const house = await openHouse({ path: '/tenant' });
  try {
    const origin = new URL(house.issuer).origin;
    for (const at of [
      `${METADATA}/tenant`,
      '/.well-known/openid-configuration/tenant',
      `/tenant${METADATA}`,
    ]) {
      const response = await fetch(`${origin}${at}`);
      expect(response.status, at).toBe(200);
      expect(((await response.json()) as { issuer: string }).issuer).toBe(house.issuer);
    }
    expect((await house.ask('/sign-in')).status).toBe(200);
    expect((await house.ask('')).status).toBe(200);
    expect(await (await house.ask('/sign-in')).text()).toContain('action="/tenant/sign-in?');
    expect((await house.ask('/connections')).headers.get('location')).toMatch(/^\/tenant\/sign-in/);
    for (const at of ['/', '/sign-in', '/tenantsign-in', '/token', '/tenants/sign-in'])
      expect((await fetch(`${origin}${at}`, { redirect: 'manual' })).status, at).toBe(404);
  } finally {
    await house.close();
  }
});

describe('who is asking', () => {
  const trusted = networks(['10.0.0.0/8', 'fd00::/8']);
  test.each([
    ['a stranger is believed nothing', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['a proxy says who it spoke to', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['what the client itself wrote stands to the left', '10.0.0.1', '1.2.3.4, 198.51.100.1', '198.51.100.1'],
    ['proxies of ours are passed over', '10.0.0.1', '198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['an IPv4 peer of an IPv6 socket is the same peer', '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['an IPv6 proxy is one as well', 'fd00::1', '2001:db8::1', '2001:db8::1'],
    ['nonsense is not an address', '10.0.0.1', 'unknown', '10.0.0.1'],
    ['without the header it is the proxy', '10.0.0.1', undefined, '10.0.0.1'],
  ])('%s', (_rule, peer, forwarded, expected) => {
    expect(clientAddress(peer, forwarded, trusted)).toBe(expected);
  });
});
