// Clients that are slow on purpose: headers that drip, bodies that never end. They are cut off, and while they
// last nobody else waits. THREATS M01, M02.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cardea, startCardea } from '../support/cardea.ts';

const MANY = 150;

let cardea: Cardea;
let drip: NodeJS.Timeout;
const sockets: Socket[] = [];
beforeAll(async () => {
  cardea = await startCardea();
});
afterAll(async () => {
  clearInterval(drip);
  for (const socket of sockets) socket.destroy();
  await cardea?.stop();
});

async function opened(start: string): Promise<Socket> {
  const { hostname, port } = new URL(cardea.issuer);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  socket.on('error', () => {}); // a reset is one way to be cut off
  socket.resume();
  await once(socket, 'connect');
  socket.write(start.replace('HOST', `${hostname}:${port}`));
  return socket;
}

const many = (start: string): Promise<Socket[]> =>
  Promise.all(Array.from({ length: MANY }, () => opened(start)));

const form = 'Content-Type: application/x-www-form-urlencoded\r\n';
const json = 'Content-Type: application/json\r\n';
// How each begins, and what it sends every second so that nothing looks idle.
const KINDS: [start: string, drop: string][] = [
  ['POST /token HTTP/1.1\r\nHost: HOST\r\n', 'X-Drop: x\r\n'],
  [`POST /token HTTP/1.1\r\nHost: HOST\r\n${form}Content-Length: 9000\r\n\r\na=`, 'a'],
  [`POST /register HTTP/1.1\r\nHost: HOST\r\n${json}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n'],
];

describe('clients that are slow on purpose', () => {
  it('are all cut off, and others are served meanwhile', async () => {
    const slow = await Promise.all(KINDS.map(async ([start, drop]) => ({ drop, open: await many(start) })));
    const all = slow.flatMap(({ open }) => open);
    const cut = Promise.all(all.map((socket) => once(socket, 'close')));
    drip = setInterval(() => {
      for (const { drop, open } of slow) for (const socket of open) if (socket.writable) socket.write(drop);
    }, 1_000);

    for (let round = 0; round < 20; round += 1) {
      const asked = ['/health', '/.well-known/oauth-authorization-server', '/sign-in'].map((path) =>
        fetch(cardea.issuer + path),
      );
      const statuses = (await Promise.all(asked)).map(({ status }) => status);
      expect(statuses).toEqual([200, 200, 200]);
    }
    expect(all.some(({ closed }) => !closed)).toBe(true);
    await cut;
    expect((await fetch(`${cardea.issuer}/ready`)).status).toBe(200);
  }, 90_000);

  it('that say two lengths, or a length and chunks, are refused and not listened to any further', async () => {
    const two = 'Content-Length: 4\r\nContent-Length: 5\r\n\r\na=bc';
    const both =
      'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: HOST\r\n\r\n';
    for (const rest of [two, both]) {
      const socket = await opened('');
      let heard = '';
      socket.on('data', (chunk) => {
        heard += String(chunk);
      });
      socket.write(`POST /token HTTP/1.1\r\nHost: ${new URL(cardea.issuer).host}\r\n${form}${rest}`);
      await once(socket, 'close');
      expect(heard).toMatch(/^HTTP\/1\.1 400 /);
      expect(heard.match(/HTTP\/1\.1/g)).toHaveLength(1);
    }
  });
});
