import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { consentPage } from '../../views/consent.ts';
import { render } from '../../views/html.ts';
import { signInPage } from '../../views/sign-in.ts';
import { person } from './person.ts';
import { cookieJar } from './person-cookies.ts';
import { toolsOn } from './person-tools.ts';

const tool = (name: string, checked = true, isNew = false) => ({
  value: `library:read ${name}`,
  field: 'tool' as const,
  label: `Do ${name} & more`,
  name,
  scope: 'library:read',
  checked,
  isNew,
});

const consent = (action: string): string =>
  render(
    consentPage(
      { base: '', csrf: 'crumb-2' },
      {
        action,
        account: { name: 'alex' },
        client: { name: 'A client', id: 'c', verified: false, selfRegistered: true },
        redirect: { host: '127.0.0.1', loopback: true },
        resource: { name: 'Library', uri: 'http://127.0.0.1:4100/mcp' },
        groups: [{ effect: 'read', tools: [tool('search'), tool('list', false), tool('look', true, true)] }],
        returning: true,
        somethingNew: true,
        lasts: 'a year',
      },
    ),
  );

const callback = 'http://127.0.0.1:1/callback';

describe('the scripted person', () => {
  let server: Server;
  let issuer: string;
  const posts: Array<{ path: string; body: URLSearchParams; cookie: string | undefined }> = [];

  // Stands in for the server's own pages: sign-in, then consent, then away.
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const path = request.url ?? '';
      const page = (html: string): void => void response.setHeader('content-type', 'text/html').end(html);
      const leave = (location: string): void => void response.writeHead(303, { location }).end();
      if (request.method === 'POST')
        posts.push({ path, body: new URLSearchParams(body), cookie: request.headers.cookie });
      if (path === '/authorize') {
        response.setHeader('set-cookie', [
          'flow=1; Path=/interaction; Secure; HttpOnly',
          'other=1; Path=/elsewhere',
        ]);
        return leave('/interaction/1');
      }
      if (request.method === 'GET')
        return page(render(signInPage({ base: '', csrf: 'crumb-1' }, { action: path })));
      const fields = new URLSearchParams(body);
      if (fields.has('decision')) return leave(`${callback}?decision=${fields.get('decision')}`);
      if (fields.get('password') !== 'right') {
        return page(render(signInPage({ base: '' }, { action: path, error: 'That did not match.' })));
      }
      return page(consent(path));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  const alex = (password = 'right') => person({ username: 'alex', password });

  test('signs in, unticks and ticks, and stops where the browser would leave the issuer', async () => {
    const back = await alex().approve(`${issuer}/authorize`, { untick: ['search'], tick: ['list'] });
    expect(back).toBe(`${callback}?decision=allow`);
    const [signIn, decision] = posts.slice(-2);
    expect(signIn?.body.toString()).toBe('csrf=crumb-1&username=alex&password=right');
    expect(decision?.body.getAll('tool')).toEqual(['library:read list', 'library:read look']);
    expect(decision?.body.get('csrf')).toBe('crumb-2');
  });

  test('carries the cookies of a path there and nowhere else', async () => {
    await alex().approve(`${issuer}/authorize`);
    expect(posts.at(-1)?.cookie).toBe('flow=1');
  });

  test('can say no', async () => {
    expect(await alex().approve(`${issuer}/authorize`, { deny: true })).toBe(`${callback}?decision=deny`);
  });

  test('says what the page complained of when a sign-in fails', async () => {
    await expect(alex('wrong').approve(`${issuer}/authorize`)).rejects.toThrow(
      /sign-in page came back.*did not match/,
    );
  });

  test('says which tools there are when asked to untick another', async () => {
    await expect(alex().approve(`${issuer}/authorize`, { untick: ['burn'] })).rejects.toThrow(
      /search, list, look/,
    );
  });

  test('reads from the page what is offered, ticked and new', () => {
    expect(toolsOn(consent('/x')).map(({ tool: name, checked, isNew }) => [name, checked, isNew])).toEqual([
      ['search', true, false],
      ['list', false, false],
      ['look', true, true],
    ]);
  });

  test('forgets a cookie whose Max-Age is nought or whose time has passed', () => {
    const jar = cookieJar();
    const at = new URL('http://127.0.0.1/a/b');
    jar.keep(at, ['x=1; Path=/', 'y=1', 'z=1; Path=/']);
    expect(jar.header(at)).toBe('y=1; x=1; z=1');
    jar.keep(at, ['x=; Path=/; Max-Age=0', 'z=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT']);
    expect(jar.header(at)).toBe('y=1');
    expect(jar.header(new URL('http://127.0.0.1/abc'))).toBeUndefined();
  });
});
