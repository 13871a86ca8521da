// Hosts of metadata documents that lie in wait: slow, silent, by the hundred, or taken over; and who can make us ask
// one at all. THREATS C10, C11, C12, C14, C26, C27, C31, M13.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { asserted, assertion, clientKey } from '../support/assertion.ts';
import { freePort } from '../support/cardea.ts';
import { documentHost, testDoor } from '../support/documents.ts';
import { authorize, authorizeUrl, connect, durably, get, introspect, pkce, search } from '../support/flow.ts';
import { later } from '../support/later.ts';
import type { Person, View } from '../support/person.ts';
import { RESOURCE, type Server, startServer } from '../support/server.ts';
import { stored } from '../support/stored.ts';

type Host = Awaited<ReturnType<typeof documentHost>>;

const NOWHERE = ['nowhere.example', 'inside.example'];
const resolve = async (name: string): Promise<string[]> => {
  if (name === 'nowhere.example') throw new Error('NXDOMAIN');
  return [name === 'inside.example' ? '10.0.0.1' : '127.0.0.1'];
};

let host: Host;
let server: Server;
let alex: Person;
beforeAll(async () => {
  host = await documentHost();
  server = await startServer({
    outbound: testDoor({ resolve }),
    config: { registration: { device_code: true } },
  });
  alex = await server.signedIn();
});
afterAll(() => Promise.all([server.close(), host.close()]));

let count = 0;
const fresh = () => `/client-${++count}.json`;
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const LONG = { timeout: 30_000 };
const LOCAL = 'http://localhost:49152/callback';
const start = (client_id: string, headers: Record<string, string> = {}) =>
  get(authorizeUrl(server, { client_id, redirect_uri: LOCAL }), { accept: 'text/html,*/*', ...headers });
const letIn = (client_id: string) =>
  connect(server, { by: alex, client: { client_id }, params: { redirect_uri: LOCAL } });
const kept = () => (stored(server)['client_documents'] ?? []).map(({ url }) => String(url));
const dripping = (line: string) => ({
  instead: ({ socket }: { socket: import('node:net').Socket | null }) => {
    socket?.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n');
    const drip = setInterval(() => socket?.write(line), 50);
    socket?.once('close', () => clearInterval(drip));
  },
});
const silent = { instead: () => {} };

describe('a host that keeps us waiting', () => {
  it.each<[string, Parameters<Host['set']>[1]]>([
    ['answers nothing', silent],
    ['never ends its headers', dripping('x-more: 1\r\n')],
    ['never ends its document', dripping('\r\n ')],
  ])('and %s is left, and nobody else waits for it', async (_how, reply) => {
    const path = fresh();
    host.set(path, reply);
    const waiting = start(host.origin + path);
    await vi.waitFor(() => expect(host.asked()).toContain(path), LONG);
    expect((await start(host.publish(fresh()))).status).toBe(303);
    await server.alex().signIn(server.issuer);
    const { status, headers } = await waiting;
    expect([status, headers.get('location')]).toEqual([400, null]);
    // once, though the page that says so is about the same client
    expect(host.asked()).not.toContain(path);
  });

  it('is asked once for all who wait, also when it fails', async () => {
    const path = fresh();
    const { clients } = server.rooms.storage;
    const { findDocument } = clients;
    let looking = 0;
    clients.findDocument = async (url) => {
      const row = await findDocument(url);
      looking += 1;
      return row;
    };
    let fail = (): void => {};
    host.set(path, {
      instead: (response) => {
        fail = () => void response.writeHead(500).end();
      },
    });
    host.asked();
    try {
      const waiting = Promise.all(Array.from({ length: 8 }, () => start(host.origin + path)));
      await vi.waitFor(() => expect(looking).toBe(8), LONG);
      const first = await vi.waitUntil(() => host.asked()[0], LONG);
      fail();
      expect((await waiting).map(({ status }) => status)).toEqual(Array(8).fill(400));
      expect([first, host.asked()]).toEqual([path, []]);
    } finally {
      clients.findDocument = findDocument;
    }
  });
});

describe('five hundred addresses that never answer', () => {
  let before: Server;
  beforeAll(async () => {
    before = server;
    // Many names at this one address, as a spray has many addresses; and more patience than this machine may need.
    const door = testDoor({ limits: { perAddress: 64 } });
    const patient: typeof door.get = (url, options) => door.get(url, { ...options, timeoutMs: 120_000 });
    const outbound = { ...door, get: patient };
    server = await startServer({ outbound, config: { trusted_proxies: ['127.0.0.1'] } });
    alex = await server.signedIn();
  });
  afterAll(async () => {
    host.hangUp();
    await server.close();
    server = before;
    alex = await server.signedIn();
  });
  afterEach(() => host.hangUp());

  const named = (n: number): string => {
    host.set(`/spray-${n}.json`, silent);
    const url = new URL(`/spray-${n}.json`, host.origin);
    url.hostname = `n${n}.many.example`;
    return url.href;
  };
  /** Begins them all, and waits until `most` are being asked and all others have been refused. */
  async function spray(size: number, most: number, ask: (n: number) => Promise<{ status: number }>) {
    const busy: unknown[] = [];
    const begun = host.connections();
    const waiting = Array.from({ length: size }, async (_, n) => {
      const answer = await ask(n);
      if (answer.status === 429) busy.push(answer);
      return answer.status;
    });
    await vi.waitFor(() => expect(busy).toHaveLength(size - most), LONG);
    await vi.waitFor(() => expect(host.connections() - begun).toBe(most), LONG);
    return waiting;
  }

  it.each<[string, number, (n: number) => Record<string, string>]>([
    ['from one network occupy its own share', 8, () => ({})],
    [
      'from as many networks occupy no more than there is',
      32,
      (n) => ({ 'x-forwarded-for': `203.0.113.${n % 250}` }),
    ],
  ])('%s, and people go on', async (_who, most, headers) => {
    const app = await letIn(host.publish(fresh(), {}, { 'cache-control': 'max-age=300' }));
    later(301_000);
    const waiting = await spray(500, most, async (n) => {
      const answer = await start(named(n), headers(n));
      if (answer.status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      return answer;
    });
    // a person with a password; an app whose document is old; and one that comes for the first time, from elsewhere
    await server.alex().signIn(server.issuer);
    expect((await app.refresh(app.tokens.refresh_token)).status).toBe(200);
    const newcomer = await start(host.publish(fresh()), { 'x-forwarded-for': '198.51.100.7' });
    expect(newcomer.status).toBe(most === 8 ? 303 : 429);
    host.hangUp();
    const statuses = await Promise.all(waiting);
    expect(statuses.filter((status) => status === 400)).toHaveLength(most);
    expect(server.log()).not.toMatch(/"level":"(error|fatal)"/);
    // and it passes
    expect((await start(host.publish(fresh()))).status).toBe(303);
  });

  const push = (client_id: string) =>
    server.post(
      '/par',
      search({
        client_id,
        response_type: 'code',
        redirect_uri: LOCAL,
        resource: RESOURCE,
        code_challenge: pkce().challenge,
        code_challenge_method: 'S256',
      }),
    );

  it('that are pushed are held to the same', async () => {
    const waiting = await spray(20, 8, async (n) => {
      const { status, headers, body } = await push(named(n));
      if (status === 429)
        expect([headers.get('retry-after'), body.error]).toEqual(['60', 'temporarily_unavailable']);
      else expect(body.error).toBe('invalid_client');
      return { status };
    });
    host.hangUp();
    expect((await Promise.all(waiting)).filter((status) => status === 400)).toHaveLength(8);
    expect((await push(host.publish(fresh()))).status).toBe(201);
  });
});

describe('an app that nobody has let in', () => {
  it('takes no room: its document is stored when somebody does', async () => {
    const ids = Array.from({ length: 20 }, () => host.publish(fresh()));
    for (const id of ids) expect((await start(id)).status).toBe(303);
    const [wanted = '', ...others] = ids;
    expect(kept().filter((url) => ids.includes(url))).toEqual([]);
    await letIn(wanted);
    expect(kept()).toContain(wanted);
    for (const id of others) expect(kept()).not.toContain(id);
  });

  it('may begin with a device, and is let in on the page where its code is typed', async () => {
    const client_id = host.publish(fresh(), { grant_types: ['authorization_code', 'refresh_token', DEVICE] });
    const asked = await server.post('/device_authorization', { client_id, resource: RESOURCE });
    expect(asked.status).toBe(200);
    expect(kept()).not.toContain(client_id);
    const { device_code, user_code } = asked.body;
    const page = await alex.visit(`${server.issuer}/device`);
    const has =
      (wanted: string) =>
      ({ controls }: { controls: { name: string }[] }) =>
        controls.some(({ name }) => name === wanted);
    const consent = await alex.send(page, has('user_code'), { user_code });
    const done = (await alex.press(consent, 'decision', 'allow')) as View;
    expect(done.url.pathname).toBe('/device/allowed');
    expect(kept()).toContain(client_id);
    host.asked();
    const { status } = await server.post('/token', { grant_type: DEVICE, device_code, client_id });
    expect([status, host.asked()]).toEqual([200, []]);
  });

  it.each<[string, Record<string, string>]>([
    ['/token', { grant_type: 'authorization_code', code: 'x', code_verifier: 'x'.repeat(43) }],
    ['/token', { grant_type: 'refresh_token', refresh_token: 'x' }],
    ['/token', { grant_type: 'client_credentials' }],
    ['/revoke', { token: 'x' }],
    ['/introspect', { token: 'x' }],
  ])('is not asked about at %s %j: it can have nothing there', async (path, fields) => {
    const signs = await clientKey();
    const client_id = host.publish(fresh(), {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [signs.jwk] },
    });
    const before = host.connections();
    for (const proof of [{}, asserted(await assertion(signs, client_id, server.issuer))]) {
      const { status, body } = await server.post(path, { client_id, ...fields, ...proof });
      expect([status, body.error]).toEqual([401, 'invalid_client']);
    }
    expect(host.connections()).toBe(before);
  });
});

describe('while the host of a let-in app is silent', () => {
  it('its connections hold, nobody waits for it twice in a minute, and nobody connects anew', async () => {
    const path = fresh();
    const client_id = host.publish(path);
    let { tokens } = await letIn(client_id);
    const app = await letIn(client_id);
    later(2 * 24 * 3600_000);
    host.set(path, silent);
    host.asked();
    tokens = (await app.refresh(app.tokens.refresh_token)).body;
    for (let n = 0; n < 3; n += 1) {
      const { status, body } = await app.refresh(tokens.refresh_token);
      expect(status).toBe(200);
      tokens = body;
    }
    expect((await introspect(server, tokens.access_token)).active).toBe(true);
    expect(host.asked()).toEqual([path]);
    const { status, headers } = await start(client_id);
    expect([status, headers.get('location')]).toEqual([400, null]);
    expect(await server.rooms.grants.live(server.account.id, client_id)).toHaveLength(1);
    later(61_000);
    host.publish(path);
    expect((await app.refresh(tokens.refresh_token)).status).toBe(200);
    expect(host.asked()).toContain(path);
  });
});

describe('an app that proved itself and whose document says that it need not any more', () => {
  async function proven() {
    const signs = await clientKey();
    const path = fresh();
    const proves = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [signs.jwk] } };
    const client_id = host.publish(path, proves, { 'cache-control': 'max-age=60' });
    const proof = async () => asserted(await assertion(signs, client_id, server.issuer));
    return { path, client_id, proof };
  }
  const coded = (client_id: string) =>
    authorize(server, { by: alex, client: { client_id }, params: { redirect_uri: LOCAL } });

  it('gets nothing for a code of before without proof', async () => {
    const { path, client_id, proof } = await proven();
    const first = await coded(client_id);
    expect((await first.redeemWith(await proof())).status).toBe(200);
    later(50_000);
    const { redeemWith } = await coded(client_id);
    host.publish(path);
    later(20_000);
    const { status, body } = await redeemWith();
    expect([status, body.error]).toEqual([400, 'invalid_grant']);
  });

  it('gets nothing for a refresh token of before either, and its person is asked anew', async () => {
    const { path, client_id, proof } = await proven();
    const { redeemWith } = await coded(client_id);
    const { body: tokens } = await redeemWith(await proof());
    host.publish(path);
    later(61_000);
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id };
    const { status, body } = await server.post('/token', refresh);
    expect([status, body.error]).toEqual([400, 'invalid_grant']);
    const pages: string[] = [];
    await authorize(server, {
      by: alex,
      client: { client_id },
      params: { redirect_uri: `${host.origin}/cb` },
      inspect: (_html, kind) => void pages.push(kind),
    });
    expect(pages).toContain('consent');
  });
});

describe('an app with a document that its operator stops', () => {
  const stop = (id: string, disabled: boolean) =>
    durably(server, (work) => server.rooms.clients.setDisabled(work, id, disabled));

  it('is refused everywhere at once, and enabled again goes on as it was', async () => {
    const client_id = host.publish(fresh());
    const app = await letIn(client_id);
    const coded = await authorize(server, {
      by: alex,
      client: { client_id },
      params: { redirect_uri: LOCAL },
    });
    const consent = await alex.visit(authorizeUrl(server, { client_id, redirect_uri: LOCAL }));
    host.asked();
    await stop(client_id, true);
    expect((await introspect(server, app.tokens.access_token)).active).toBe(false);
    for (const answer of [await app.refresh(app.tokens.refresh_token), await coded.redeemWith()])
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
    expect((await start(client_id)).status).toBe(400);
    const pressed = await alex.send(
      consent,
      ({ controls }) => controls.some(({ name }) => name === 'decision'),
      {
        decision: 'allow',
      },
    );
    expect([pressed.status >= 400, pressed.url.origin]).toEqual([true, server.issuer]);
    expect(host.asked()).toEqual([]);
    expect(await Array.fromAsync(server.rooms.clients.list())).toContainEqual(
      expect.objectContaining({ id: client_id, origin: 'document', disabled: true }),
    );
    await expect(
      durably(server, (work) => server.rooms.clients.remove(work, client_id)),
    ).rejects.toMatchObject({
      reason: 'client_document_kept',
    });
    await stop(client_id, false);
    expect((await introspect(server, app.tokens.access_token)).active).toBe(true);
    expect((await app.refresh(app.tokens.refresh_token)).status).toBe(200);
    expect(await Array.fromAsync(server.rooms.clients.list())).not.toContainEqual(
      expect.objectContaining({ id: client_id }),
    );
  });

  it('also one that nobody has let in yet', async () => {
    const client_id = host.publish(fresh());
    await stop(client_id, true);
    host.asked();
    expect((await start(client_id)).status).toBe(400);
    expect(host.asked()).toEqual([]);
  });

  it('with all of its host: what was given out is dead too', async () => {
    const data = mkdtempSync(join(tmpdir(), 'cardea-denied-'));
    const env = { CARDEA_DATA: data, CARDEA_PORT: String(await freePort()) };
    const before = server;
    try {
      server = await startServer({ outbound: testDoor({ resolve }), env });
      const by = server.alex();
      const { tokens, refresh } = await connect(server, {
        by,
        client: { client_id: host.publish(fresh()) },
        params: { redirect_uri: LOCAL },
      });
      expect((await introspect(server, tokens.access_token)).active).toBe(true);
      await server.close();
      const registration = { document_hosts_denied: ['app.example'] };
      server = await startServer({ outbound: testDoor({ resolve }), env, config: { registration } });
      expect((await introspect(server, tokens.access_token)).active).toBe(false);
      expect((await refresh(tokens.refresh_token)).body.error).toBe('invalid_client');
    } finally {
      await server.close();
      server = before;
      rmSync(data, { recursive: true, force: true });
    }
  });
});

it('what is wrong with an address is not told: a closed port, no such name, an inner one, no TLS, another answer', async () => {
  const plain = createServer((socket) => socket.end('no'));
  await new Promise<void>((done) => plain.listen(0, '127.0.0.1', done));
  const { port } = plain.address() as { port: number };
  const shut = createServer();
  await new Promise<void>((done) => shut.listen(0, '127.0.0.1', done));
  const { port: closed } = shut.address() as { port: number };
  await new Promise((done) => shut.close(done));
  const path = fresh();
  host.set(path, { status: 500, body: 'inside' });
  const ids = [
    `https://app.example:${closed}/c`,
    `https://app.example:${port}/c`,
    ...NOWHERE.map((name) => `https://${name}/c`),
    `${host.origin.replace('app.example', 'wrong-certificate.test')}/c`,
    host.origin + path,
  ];
  try {
    for (const accept of ['application/json', 'text/html']) {
      const told = new Set<string>();
      for (const client_id of ids) {
        const response = await start(client_id, { accept });
        const trace = response.headers.get('cardea-trace-id') ?? '';
        const text = (await response.text()).replaceAll(trace, 'TRACE').replaceAll(client_id, 'ID');
        told.add(`${response.status} ${response.headers.get('content-type')} ${text}`);
      }
      expect([...told]).toEqual([[...told][0]]);
    }
  } finally {
    plain.close();
  }
});
