import { createServer as httpServer, type RequestListener } from 'node:http';
import { createServer as httpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { Refusal } from '../src/errors.ts';
import { outbound } from '../src/outbound.ts';
import { testDoor } from './support/documents.ts';
import { ca, serverTls } from './support/tls.ts';

const open: Server[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(open.splice(0).map((server) => new Promise((done) => server.close(done))));
});

/** Listens on 127.0.0.1 and counts the connections. */
async function listening(server: Server): Promise<{ port: number; connections: () => number }> {
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket.on('close', () => sockets.delete(socket)).on('error', () => {}));
  });
  open.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}

const https = (answer: RequestListener) => listening(httpsServer(serverTls, answer));

async function refusal(work: Promise<unknown>): Promise<Refusal> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Refusal);
  expect(error).toMatchObject({ reason: 'outbound_failed', message: 'The address could not be fetched.' });
  return error as Refusal;
}

const why = async (work: Promise<unknown>): Promise<string> =>
  String(((await refusal(work)).cause as Error).message);

describe('a request', () => {
  test('brings status, headers and body, and says who asks and nothing else', async () => {
    let asked: Record<string, unknown> = {};
    const { port } = await https((request, response) => {
      asked = { ...request.headers, url: request.url };
      response.setHeader('content-type', 'application/json').end('{"a":1}');
    });
    const { status, headers, body } = await testDoor().get(`https://app.example:${port}/doc?x=1`, {
      accept: 'application/json',
    });
    expect([status, headers['content-type'], body.toString()]).toEqual([200, 'application/json', '{"a":1}']);
    expect(asked).toEqual({
      url: '/doc?x=1',
      host: `app.example:${port}`,
      connection: expect.any(String),
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': expect.stringMatching(/^Cardea\/\d/),
    });
  });

  test('to an upstream carries method, headers and body, and what frames it is the door’s own', async () => {
    let asked: Record<string, unknown> = {};
    const { port, connections } = await https((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        const { method, headers } = request;
        const { authorization, 'user-agent': agent, 'accept-encoding': encoding } = headers;
        asked = { method, authorization, agent, encoding, body };
        response.writeHead(400).end('{"error":"invalid_grant"}');
      });
    });
    const url = `https://app.example:${port}/token`;
    const headers = { Authorization: 'Basic eDp5', 'content-type': 'application/x-www-form-urlencoded' };
    const { status, body } = await testDoor().send(url, { method: 'POST', headers, body: 'a=1' });
    expect([status, body.toString()]).toEqual([400, '{"error":"invalid_grant"}']);
    expect(asked).toEqual({
      method: 'POST',
      authorization: 'Basic eDp5',
      agent: expect.stringMatching(/^Cardea\/\d/),
      encoding: 'identity',
      body: 'a=1',
    });
    for (const name of ['Host', 'content-length', 'Transfer-Encoding', 'connection', 'accept-encoding'])
      await refusal(testDoor().send(url, { method: 'POST', headers: { [name]: '1' }, body: 'a=1' }));
    await refusal(testDoor().send(url, { method: 'POST', headers: { 'x-y': 'a\r\nhost: evil' } }));
    expect(connections()).toBe(1);
  });

  test('that carries a body goes nowhere that a reading one may not', async () => {
    const listener = await listening(createServer());
    const door = outbound({ allowLoopback: false, ca });
    for (const host of ['127.0.0.1', '169.254.169.254', '[::1]', '10.0.0.1'])
      await refusal(door.send(`https://${host}:${listener.port}/`, { method: 'POST', body: 'secret' }));
    await refusal(door.send(`http://app.example:${listener.port}/`, { method: 'DELETE' }));
    expect(listener.connections()).toBe(0);
    const endless = await https((_request, response) => response.end('x'.repeat(6000)));
    const sent = testDoor().send(`https://app.example:${endless.port}/`, { method: 'POST', maxBytes: 5000 });
    expect(await why(sent)).toBe('the body is too long');
  });

  test('does not follow a redirect: it is the answer', async () => {
    const target = await https((_request, response) => response.end('inside'));
    const { port } = await https((_request, response) =>
      response.writeHead(302, { location: `https://app.example:${target.port}/` }).end(),
    );
    expect((await testDoor().get(`https://app.example:${port}/`)).status).toBe(302);
    expect(target.connections()).toBe(0);
  });

  test('trusts a certificate only of a known authority and of that name', async () => {
    const { port } = await https((_request, response) => response.end('x'));
    const system = outbound({ allowLoopback: false, resolve: async () => ['127.0.0.1'], permit: () => true });
    await refusal(system.get(`https://app.example:${port}/`));
    expect(await why(testDoor().get(`https://other.example:${port}/`))).toMatch(/altnames/i);
  });

  test('takes no proxy from the environment', async () => {
    const proxy = await listening(createServer((socket) => socket.destroy()));
    const { port } = await https((_request, response) => response.end('direct'));
    const before = { ...process.env };
    try {
      for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'ALL_PROXY'])
        process.env[name] = `http://127.0.0.1:${proxy.port}`;
      process.env['NODE_USE_ENV_PROXY'] = '1';
      expect((await testDoor().get(`https://app.example:${port}/`)).body.toString()).toBe('direct');
    } finally {
      process.env = before;
    }
    expect(proxy.connections()).toBe(0);
  });
});

describe('where it may go', () => {
  test.each([
    '127.0.0.1',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[fd00:ec2::254]',
    '[fe80::1]',
    '[fec0::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a9fe:a9fe]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '2130706433',
    '0x7f.1',
    '127.1',
    '0177.0.0.1',
    '168.63.129.16',
  ])('not to https://%s', async (host) => {
    const listener = await listening(createServer());
    const door = outbound({ allowLoopback: false, ca });
    await refusal(door.get(`https://${host}:${listener.port}/c.json`));
    expect(listener.connections()).toBe(0);
  });

  test('not to a name that has one such address among good ones', async () => {
    const listener = await listening(createServer());
    const door = outbound({ allowLoopback: false, ca, resolve: async () => ['93.184.216.34', '127.0.0.1'] });
    await refusal(door.get(`https://evil.example:${listener.port}/`));
    expect(listener.connections()).toBe(0);
  });

  test('to the address that was checked, whatever the name means a moment later', async () => {
    const { port } = await https((_request, response) => response.end('checked'));
    let asked = 0;
    const resolve = async () => (asked++ === 0 ? ['127.0.0.1'] : ['10.0.0.1']);
    expect((await testDoor({ resolve }).get(`https://app.example:${port}/`)).body.toString()).toBe('checked');
    expect(asked).toBe(1);
  });

  test('a second request checks again: an earlier connection is not a pass', async () => {
    const { port, connections } = await https((_request, response) => response.end('x'));
    let asked = 0;
    const door = testDoor({ resolve: async () => (asked++ === 0 ? ['127.0.0.1'] : ['10.0.0.1']) });
    await door.get(`https://app.example:${port}/`);
    await refusal(door.get(`https://app.example:${port}/`));
    expect(connections()).toBe(1);
  });

  test.each([
    'http://app.example/',
    'ftp://app.example/',
    'file:///etc/passwd',
    'data:,x',
    'https://u:p@app.example/',
    'https://app.example./',
    'not a url',
    '',
  ])('not to %j', async (url) => {
    await refusal(testDoor().get(url));
  });

  test('to loopback by http only when the server itself is there, and only by its own names', async () => {
    const { port, connections } = await listening(httpServer((_request, response) => response.end('local')));
    await refusal(outbound({ allowLoopback: false }).get(`http://127.0.0.1:${port}/`));
    const local = outbound({ allowLoopback: true, resolve: async () => ['127.0.0.1'] });
    await refusal(local.get(`http://app.example:${port}/`));
    await refusal(local.get(`https://app.example:${port}/`));
    expect(connections()).toBe(0);
    expect((await local.get(`http://127.0.0.1:${port}/`)).body.toString()).toBe('local');
    expect((await local.get(`http://localhost:${port}/`)).body.toString()).toBe('local');
  });

  test('nowhere when the name means nothing', async () => {
    await refusal(testDoor({ resolve: async () => [] }).get('https://app.example/'));
    await refusal(
      testDoor({ resolve: () => Promise.reject(new Error('NXDOMAIN')) }).get('https://app.example/'),
    );
  });
});

describe('what it may cost', () => {
  test('a body longer than allowed is refused, whether its length was said, hidden or a lie', async () => {
    const long = 'x'.repeat(6000);
    const said = await https((_request, response) =>
      response.writeHead(200, { 'content-length': '6000' }).end(long),
    );
    const hidden = await https((_request, response) => {
      response.write(long.slice(0, 3000));
      response.end(long.slice(3000));
    });
    const lie = await https((request, response) => {
      response.on('error', () => {});
      request.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n${long}`);
    });
    for (const { port } of [said, hidden]) {
      expect(await why(testDoor().get(`https://app.example:${port}/`, { maxBytes: 5000 }))).toBe(
        'the body is too long',
      );
    }
    const short = await testDoor()
      .get(`https://app.example:${lie.port}/`, { maxBytes: 5000 })
      .catch((error: unknown) => error);
    expect(short instanceof Refusal || (short as { body: Buffer }).body.length === 10).toBe(true);
  });

  test('an endless body is cut off, not read', async () => {
    let sent = 0;
    const { port } = await https((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    });
    expect(await why(testDoor().get(`https://app.example:${port}/`, { maxBytes: 5000 }))).toBe(
      'the body is too long',
    );
    expect(sent).toBeLessThan(20_000_000);
  });

  test('an encoded body is refused unread', async () => {
    const { port } = await https((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(50_000_000))),
    );
    expect(await why(testDoor().get(`https://app.example:${port}/`))).toBe('the body is encoded');
  });

  test.each<[string, () => Server]>([
    [
      'drips its body',
      () =>
        httpsServer(serverTls, (_request, response) => {
          const drip = setInterval(() => response.write('x'), 20);
          response.on('close', () => clearInterval(drip));
        }),
    ],
    ['takes the request and is silent', () => httpsServer(serverTls, () => {})],
    ['never shakes hands', () => createServer()],
  ])('a host that %s is left when the time is up', async (_what, make) => {
    const { port } = await listening(make());
    expect(await why(testDoor().get(`https://app.example:${port}/`, { timeoutMs: 200 }))).toMatch(
      /within 200 ms|timeout: 200ms/,
    );
  });

  test('a name server that is silent is left when the time is up', async () => {
    const door = testDoor({ resolve: () => new Promise(() => {}) });
    expect(await why(door.get('https://app.example/', { timeoutMs: 100 }))).toMatch(/within 100 ms/);
  });

  test('a host that hangs fills its own share and nobody else’s', async () => {
    const hanging = await https(() => {});
    const { port } = await https((_request, response) => response.end('quick'));
    const addresses: Record<string, string> = { 'evil.example': '127.0.0.1', 'app.example': '127.0.0.1' };
    const door = testDoor({
      resolve: async (name) => [addresses[name] ?? ''],
      limits: { perHost: 2, perAddress: 5 },
    });
    const stuck = [1, 2].map(() =>
      refusal(door.get(`https://evil.example:${hanging.port}/`, { timeoutMs: 400 })),
    );
    expect(await why(door.get(`https://evil.example:${hanging.port}/`))).toMatch(
      /too many requests at once to evil.example/,
    );
    expect((await door.get(`https://app.example:${port}/`)).body.toString()).toBe('quick');
    await Promise.all(stuck);
    expect(await why(door.get(`https://evil.example:${hanging.port}/`, { timeoutMs: 50 }))).toMatch(
      /within 50 ms/,
    );
  });

  test('many names of one address share what that address may cost', async () => {
    const hanging = await https(() => {});
    const door = testDoor({ limits: { perAddress: 2 } });
    const asked = ['a', 'b', 'c'].map((name) =>
      why(door.get(`https://${name}.many.example:${hanging.port}/`, { timeoutMs: 300 })),
    );
    const reasons = await Promise.all(asked);
    expect(reasons.filter((reason) => reason.startsWith('too many')).length).toBe(1);
  });

  test('the caller can give up', async () => {
    const { port } = await https(() => {});
    expect(
      await why(
        testDoor().get(`https://app.example:${port}/`, { signal: AbortSignal.abort(new Error('gone')) }),
      ),
    ).toBe('gone');
  });
});

test('a closed port, a broken handshake and a forbidden address look alike to whoever asked', async () => {
  const closed = await listening(createServer());
  open.pop()?.close();
  const broken = await listening(createServer((socket) => socket.end('no')));
  const answers = await Promise.all([
    refusal(testDoor().get(`https://app.example:${closed.port}/`)),
    refusal(testDoor().get(`https://app.example:${broken.port}/`)),
    refusal(testDoor().get('https://10.0.0.1/')),
  ]);
  const public_ = answers.map(({ message, reason, status, oauth, hint }) => ({
    message,
    reason,
    status,
    oauth,
    hint,
  }));
  expect(new Set(public_.map((answer) => JSON.stringify(answer))).size).toBe(1);
});

test('the listener of these tests does count connections', async () => {
  const { port, connections } = await listening(createServer());
  connect(port, '127.0.0.1').on('error', () => {});
  await expect.poll(connections).toBe(1);
});
