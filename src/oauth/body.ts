// The body of a request that is no form: the description of a client that registers.

import type { IncomingMessage } from 'node:http';
import { errors } from 'oidc-provider';

const LARGEST = 56 * 1024;

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
