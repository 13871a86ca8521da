// What an upstream may do instead of answering: knobs for every test server that stands for one. A knob is set for a
// path, and stays until it is taken away or has been used as often as was said.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

export type Mischief =
  | { is: 'status'; status: number; headers?: Record<string, string>; body?: string }
  | { is: 'body'; body: string; type?: string }
  | { is: 'silent' }
  | { is: 'delay'; ms: number }
  /** Does what it was asked for, and the line breaks before the answer. */
  | { is: 'lost answer' }
  /** The same, and the line stays open. */
  | { is: 'kept answer' }
  | { is: 'drip' }
  | { is: 'oversize' }
  | { is: 'gzip bomb' }
  | { is: 'hang up' }
  | { is: 'redirect'; to: string };

export type Asked = { method: string; path: string; headers: IncomingMessage['headers']; body: string };

type Handler = (asked: Asked, url: URL, response: ServerResponse) => void | Promise<void>;

/** A server on loopback that answers as `honest` does, unless a knob for the path says otherwise. */
export async function mischievous(honest: Handler) {
  const knobs = new Map<string, { mischief: Mischief; left: number }>();
  const asked: Asked[] = [];
  let connections = 0;
  let kept = 0;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const one = { method: request.method ?? '', path: url.pathname, headers: request.headers, body };
    asked.push(one);
    const knob = knobs.get(url.pathname);
    if (knob && knob.left > 0) {
      knob.left -= 1;
      const { mischief } = knob;
      if (mischief.is === 'lost answer') {
        await honest(one, url, nowhere());
        return void response.socket?.destroy();
      }
      if (mischief.is === 'kept answer') {
        await honest(one, url, nowhere());
        kept += 1;
        return;
      }
      if (mischief.is !== 'delay') return misbehave(mischief, response);
      await pause(mischief.ms);
    }
    await honest(one, url, response);
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What was asked for since the last time, of one path or of all. */
    asked(path?: string): Asked[] {
      const found = asked.filter((each) => path === undefined || each.path === path);
      asked.length = 0;
      return found;
    },
    connections: (): number => connections,
    /** How many answers were made and kept back. */
    kept: (): number => kept,
    set: (path: string, mischief: Mischief, times = Number.POSITIVE_INFINITY): void =>
      void knobs.set(path, { mischief, left: times }),
    honest: (path?: string): void => (path === undefined ? knobs.clear() : void knobs.delete(path)),
    close: (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What takes an answer that nobody will have. */
function nowhere(): ServerResponse {
  const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
  return Object.assign(sink, { writeHead: () => sink }) as unknown as ServerResponse;
}

function misbehave(
  mischief: Exclude<Mischief, { is: 'delay' | 'lost answer' | 'kept answer' }>,
  response: ServerResponse,
): void {
  const json = { 'content-type': 'application/json' };
  switch (mischief.is) {
    case 'status':
      response.writeHead(mischief.status, { ...json, ...mischief.headers }).end(mischief.body ?? '{}');
      return;
    case 'body':
      response.writeHead(200, { 'content-type': mischief.type ?? 'application/json' }).end(mischief.body);
      return;
    case 'silent':
      return;
    case 'drip': {
      response.writeHead(200, json);
      const drip = setInterval(() => response.write(' '), 50);
      response.on('close', () => clearInterval(drip));
      return;
    }
    case 'oversize':
      response.writeHead(200, json);
      for (let sent = 0; sent < 50_000_000; sent += 1_000_000) response.write(' '.repeat(1_000_000));
      response.end('{}');
      return;
    case 'gzip bomb':
      response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(gzipSync(' '.repeat(50_000_000)));
      return;
    case 'hang up':
      response.socket?.destroy();
      return;
    case 'redirect':
      response.writeHead(307, { location: mischief.to }).end();
  }
}
