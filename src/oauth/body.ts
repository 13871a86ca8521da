// Request bodies that we read before oidc-provider does: to see which client registers, to set a request straight.
// What was read is played back to the engine, so that its own parsing and limits still hold.

import type { IncomingMessage } from 'node:http';
import querystring, { type ParsedUrlQuery } from 'node:querystring';
import { errors } from 'oidc-provider';

const LARGEST = 56 * 1024; // the engine's own limit

/** The whole body, at most 56 KiB. */
export async function readBody(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length;
    if (length > LARGEST) throw new errors.InvalidRequest('the request body is too long', 413);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** Lets whoever reads the request next find `body` in it. */
export function playBack(req: IncomingMessage, body: Buffer): void {
  req.headers['content-length'] = String(body.length);
  delete req.headers['transfer-encoding'];
  Object.defineProperties(req, {
    readable: { value: true, configurable: true },
    iterator: {
      configurable: true,
      value: async function* () {
        yield body;
      },
    },
  });
}

export const parseForm = (body: Buffer): ParsedUrlQuery =>
  querystring.parse(body.toString('utf8'), '&', '=', { maxKeys: 200 });

export const formBody = (fields: ParsedUrlQuery): Buffer => Buffer.from(querystring.stringify(fields));
