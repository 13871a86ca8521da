// A request written by hand, for what no honest client sends: any Host, any target, any bytes.

import { connect } from 'node:net';

export type RawAnswer = { status: number; head: string; body: string };

/**
 * Sends `lines`, an empty line and `body` to the server at `origin`; resolves with the first answer, once the
 * connection is closed or, with `keep-alive`, nothing has come for half a second after it.
 */
export const raw = (
  origin: string,
  lines: string[],
  body: string | Buffer = '',
  connection: 'close' | 'keep-alive' = 'close',
): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      if (connection === 'keep-alive') socket.setTimeout(500, () => socket.destroy());
    });
    // A server that has answered may hang up while we are still talking.
    socket.on('error', (error) => chunks.length === 0 && reject(error));
    socket.on('close', () => {
      const [head = '', ...rest] = Buffer.concat(chunks).toString('utf8').split('\r\n\r\n');
      resolve({ status: Number(head.split(' ')[1] ?? 0), head, body: rest.join('\r\n\r\n') });
    });
    socket.write(`${[...lines, `Connection: ${connection}`].join('\r\n')}\r\n\r\n`);
    socket.write(body);
  });
