// The body of a Node request: read within a limit, unless a framework has read it before us.
import type { IncomingMessage } from 'node:http';
import { parseBody } from './calls.ts';
import { parseBytes, refuseEncoded, tooLarge } from './web.ts';

/** The JSON of the request. `parsed`: what a body parser left. Throws Refused (400, 413, 415). */
export async function readNodeBody(req: IncomingMessage, parsed: unknown, limit: number): Promise<unknown> {
  // Body parsers leave `{}` for a type they do not read: while the stream is unread, what they left means nothing.
  if (req.readableDidRead) {
    if (typeof parsed === 'string') return parseBody(parsed);
    return parsed instanceof Uint8Array ? parseBytes(parsed) : parsed;
  }
  refuseEncoded(req.headers['content-encoding']);
  if (Number(req.headers['content-length']) > limit) throw tooLarge(limit);
  return parseBytes(await readAll(req, limit));
}

function readAll(req: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size <= limit) {
        chunks.push(chunk);
        return;
      }
      req.pause();
      reject(tooLarge(limit));
    });
    req.once('end', () => resolve(Buffer.concat(chunks)));
    req.once('error', reject);
    req.once('close', () => reject(new Error('The client went away')));
  });
}
