// The body of a request by a program: a form, or the description of a client that registers.

import type { IncomingMessage } from 'node:http';
import { Refusal } from '../errors.ts';

const LARGEST = 56 * 1024;

export const malformed = (message: string, status = 400): Refusal =>
  new Refusal(message, { reason: 'form_malformed', status });

/** The whole body. Throws a Refusal: 413 for more than 56 KiB, 400 for what broke off. */
export function readBody(req: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const tooLong = (): void => {
      req.removeAllListeners('data').pause();
      reject(malformed('The request body is too long.', 413));
    };
    if (Number(req.headers['content-length'] ?? 0) > LARGEST) return tooLong();
    req.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > LARGEST) return tooLong();
      chunks.push(chunk);
    });
    const brokenOff = (): void => reject(malformed('The request body broke off.'));
    req.once('end', () => {
      req.off('close', brokenOff);
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    });
    req.once('error', brokenOff);
    req.once('close', brokenOff);
  });
}
