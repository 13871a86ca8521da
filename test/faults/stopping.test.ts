// A server that is told to stop while somebody is still speaking. THREATS P22, P23.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Remote, remote } from './remote.ts';

let server: Remote;
let socket: Socket;
let heard: string;
beforeEach(async () => {
  server = await remote();
  heard = '';
  socket = connect(server.cardea.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.setEncoding('utf8').on('data', (text: string) => {
    heard += text;
  });
  socket.on('error', () => {});
  // a request that has begun: the server has answered that it wants the rest
  const { host } = new URL(server.issuer);
  socket.write(
    `POST /token HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-www-form-urlencoded\r\n`,
  );
  socket.write(`Content-Length: ${BODY.length}\r\nExpect: 100-continue\r\n\r\n`);
  await expect.poll(() => heard).toContain('100 Continue');
});
afterEach(async () => {
  socket.destroy();
  await server.cardea.stop('SIGKILL');
});

const BODY = 'grant_type=refresh_token&refresh_token=none&client_id=none';
const refused = async (): Promise<boolean> =>
  fetch(`${server.issuer}/ready`).then(
    () => false,
    () => true,
  );

it.each(['SIGTERM', 'SIGINT'] as const)(
  'after %s nobody new is let in, and a request that had begun is answered',
  async (signal) => {
    process.kill(server.cardea.pid ?? 0, signal);
    await expect.poll(refused).toBe(true);
    socket.write(BODY);
    expect(await server.cardea.ended).toBe(0);
    expect(heard).toMatch(/HTTP\/1\.1 40[01] (.|\r\n)*connection: close(.|\r\n)*"error":"invalid_client"/i);
  },
);

it('a second signal does not wait for it', async () => {
  process.kill(server.cardea.pid ?? 0, 'SIGTERM');
  await expect.poll(refused).toBe(true);
  process.kill(server.cardea.pid ?? 0, 'SIGTERM');
  expect(await server.cardea.ended).toBe(1);
  expect(heard).not.toContain('error');
});
