// A load balancer in a function: the same request, under the issuer's own name, to whichever process is named.
// `fetch` cannot do that, for it writes the Host header itself. Called by pair.ts.

import { randomInt } from 'node:crypto';
import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** Of all the world: thousands of rounds are not to be taken for one network's guesses. */
const somewhere = (): string => `198.18.${randomInt(256)}.${randomInt(256)}`;

/** As `fetch(url, init)` without following redirects, but sent to `port` on this computer. */
export const sentTo = (port: number, url: string, init: RequestInit = {}): Promise<Response> =>
  new Promise((resolve, reject) => {
    const { host, pathname, search } = new URL(url);
    const body =
      init.body instanceof URLSearchParams ? init.body.toString() : (init.body as string | undefined);
    const form = body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' };
    const length = body !== undefined && { 'content-length': String(Buffer.byteLength(body)) };
    const headers = {
      ...form,
      ...length,
      ...(init.headers as Record<string, string>),
      host,
      'x-forwarded-for': somewhere(),
    };
    const asked = request({
      port,
      host: '127.0.0.1',
      path: pathname + search,
      method: init.method ?? 'GET',
      headers,
      agent,
    });
    asked.on('error', reject);
    asked.on('response', (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => void chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const heard = new Headers();
        for (let at = 0; at < answer.rawHeaders.length; at += 2) {
          heard.append(answer.rawHeaders[at] ?? '', answer.rawHeaders[at + 1] ?? '');
        }
        const status = answer.statusCode ?? 0;
        const bodiless = [204, 205, 304].includes(status);
        resolve(new Response(bodiless ? null : Buffer.concat(chunks), { status, headers: heard }));
      });
    });
    asked.end(body);
  });
