// A host of client metadata documents on TLS, and the door through which a Cardea under test can reach it:
// every name means this computer there. Called by tests of metadata documents.

import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type OutboundOptions, outbound } from '../../src/outbound.ts';
import { ca, serverTls } from './tls.ts';

type Reply = {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** Answers by itself, or not at all. */
  instead?: (response: ServerResponse) => void;
};

/** Serves what `set` says for a path; counts what is asked. */
export async function documentHost(host = 'app.example') {
  const replies = new Map<string, Reply>();
  let asked: string[] = [];
  let connections = 0;
  const server: Server = createServer(serverTls, (request, response) => {
    asked.push(request.url ?? '');
    const reply = replies.get(request.url ?? '');
    if (!reply) return void response.writeHead(404).end();
    const { status = 200, headers = {}, body, instead } = reply;
    if (instead) return instead(response);
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `https://${host}:${(server.address() as AddressInfo).port}`;

  return {
    origin,
    set: (path: string, reply: Reply): void => void replies.set(path, reply),
    /** Publishes an honest document there, with `changes` put over it; the client_id. */
    publish(
      path: string,
      changes: Record<string, unknown> = {},
      headers: Record<string, string> = {},
    ): string {
      const client_id = origin + path;
      const body = {
        client_id,
        client_name: 'A published client',
        redirect_uris: [`${origin}/cb`, 'http://localhost/callback', 'http://127.0.0.1/callback'],
        token_endpoint_auth_method: 'none',
        ...changes,
      };
      replies.set(path, { body, headers });
      return client_id;
    },
    /** The paths asked for since the last time. */
    asked: (): string[] => {
      const before = asked;
      asked = [];
      return before;
    },
    connections: (): number => connections,
    /** Hangs up on everybody, those that wait for an answer or have not shaken hands yet too. */
    hangUp: (): void => {
      for (const socket of sockets) socket.destroy();
    },
    close: (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const testDoor = (options: Partial<OutboundOptions> = {}) =>
  outbound({
    allowLoopback: false,
    ca,
    resolve: async () => ['127.0.0.1'],
    permit: (address) => address === '127.0.0.1',
    ...options,
  });
