// The one door out: every HTTP request that Cardea makes itself goes through here, and only here.
// It decides where a request may go and how much it may cost; what the answer means is the caller's concern.
// Called for client metadata documents, for the keys behind a jwks_uri, and for upstreams. It fails closed.

import type { IncomingHttpHeaders } from 'node:http';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import manifest from '../package.json' with { type: 'json' };
import { isLoopback } from './config/loopback.ts';
import { Refusal } from './errors.ts';
import { isLoopbackAddress, isPublic } from './outbound/address.ts';
import { budget } from './outbound/budget.ts';
import { type Resolve, systemResolve } from './outbound/resolve.ts';

export type OutboundOptions = {
  /** True only when the server itself is on loopback; then 127.0.0.1, [::1] and localhost may be asked, also by http. */
  allowLoopback: boolean;
  resolve?: Resolve;
  /** PEM certificates to trust instead of the system's. */
  ca?: string;
  /** How many requests at once: to one host name, to one address, and altogether. */
  limits?: { perHost?: number; perAddress?: number; overall?: number };
  /** For tests, which have no public addresses: says of a special-use address that it may be connected to. */
  permit?: (address: string) => boolean;
};

export type GetOptions = {
  /** The Accept header. */
  accept?: string;
  /** The longest body, in bytes; a longer one is a failure, not a cut. */
  maxBytes?: number;
  /** For everything together: resolving, connecting, and the last byte of the body. */
  timeoutMs?: number;
  signal?: AbortSignal;
};

export type SendOptions = Omit<GetOptions, 'accept'> & {
  method: 'GET' | 'POST' | 'DELETE';
  /** Beside those that the door sets itself, which nobody may set. */
  headers?: Record<string, string>;
  body?: string;
};

export type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer };

export type Outbound = ReturnType<typeof outbound>;

const USER_AGENT = `Cardea/${manifest.version}`;

/** How the message is framed and to whom it goes, which is the door's own affair. */
const OURS = [
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'accept-encoding',
  'user-agent',
  'te',
];

/**
 * `get` and `send`. Redirects are not followed: a 3xx is an answer like any other.
 * Whatever goes wrong is one Refusal, reason `outbound_failed`, in the same words every time: an answer that told
 * a closed port from a silent one would let strangers look around our network. What happened is in its `cause`.
 */
export function outbound({
  allowLoopback,
  resolve = systemResolve,
  ca,
  limits = {},
  permit,
}: OutboundOptions) {
  const hosts = budget(limits.perHost ?? 4);
  const addresses = budget(limits.perAddress ?? 8);
  const everything = budget(limits.overall ?? 64);

  /** GETs `url`; at most 64 KiB in at most 3 seconds unless told. Throws only the Refusal described above. */
  const get = (url: string | URL, { accept = '*/*', ...options }: GetOptions = {}): Promise<Answer> =>
    send(url, { ...options, method: 'GET', headers: { accept } });

  /** As `get`, with any of these methods, headers and a body: for upstreams that the operator named. */
  async function send(url: string | URL, options: SendOptions): Promise<Answer> {
    const { method, headers = {}, body, maxBytes = 65_536, timeoutMs = 3_000, signal } = options;
    const leave: (() => void)[] = [];
    const enter = (stay: (() => void) | undefined, what: string) => {
      if (!stay) throw new Error(`too many requests at once ${what}`);
      leave.push(stay);
    };
    const timer = new AbortController();
    const alarm = setTimeout(
      () => timer.abort(new Error(`no complete answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const ends = signal ? AbortSignal.any([timer.signal, signal]) : timer.signal;
    try {
      const target = checkedUrl(url);
      enter(hosts.enter(target.hostname), `to ${target.hostname}`);
      enter(everything.enter(''), 'altogether');
      const pinned = await unlessAborted(ends, addressesOf(target));
      enter(addresses.enter(pinned[0] as string), `to ${pinned[0]}`);
      const message = { method, headers: checkedHeaders(headers), body };
      return await ask(target, pinned, message, { maxBytes, timeoutMs, signal: ends });
    } catch (cause) {
      throw new Refusal('The address could not be fetched.', { reason: 'outbound_failed', cause });
    } finally {
      clearTimeout(alarm);
      for (const stay of leave) stay();
    }
  }

  function checkedUrl(url: string | URL): URL {
    const target = new URL(url);
    const { protocol, hostname, username, password } = target;
    const plain = protocol === 'http:' && allowLoopback && isLoopback(hostname);
    if (protocol !== 'https:' && !plain) throw new Error(`${protocol} is not allowed`);
    if (username || password) throw new Error('the address holds a user name or password');
    // `localhost.` and `localhost` are one host under two names; only one of them is recognised.
    if (hostname === '' || hostname.endsWith('.')) throw new Error('the address has no plain host');
    return target;
  }

  function checkedHeaders(given: Record<string, string>): Record<string, string> {
    const all = Object.entries(given).map(([name, value]) => [name.toLowerCase(), value] as const);
    const ours = all.find(([name]) => OURS.includes(name));
    if (ours) throw new Error(`the header ${ours[0]} is not the caller's to set`);
    return Object.fromEntries(all);
  }

  /** Every address of the host, each one checked; it is resolved here once and never again. */
  async function addressesOf({ hostname }: URL): Promise<string[]> {
    const literal = hostname.replace(/^\[|\]$/g, '');
    const found = ipaddr.isValid(literal) ? [literal] : await resolve(hostname);
    if (found.length === 0) throw new Error(`no address for ${hostname}`);
    for (const address of found) {
      const ours = allowLoopback && isLoopback(hostname) && isLoopbackAddress(address);
      if (!isPublic(address) && !ours && !permit?.(address))
        throw new Error(`${hostname} is at ${address}, which is not public`);
    }
    return found;
  }

  async function ask(
    target: URL,
    pinned: string[],
    message: { method: SendOptions['method']; headers: Record<string, string>; body: string | undefined },
    limit: { maxBytes: number; timeoutMs: number; signal: AbortSignal },
  ): Promise<Answer> {
    const records = pinned.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    // The connection can go nowhere but to what was checked, whatever DNS says by now.
    const lookup: LookupFunction = (_hostname, options, answer) =>
      options.all ? answer(null, records) : answer(null, records[0]?.address ?? '', records[0]?.family);
    const { Client } = await import('undici'); // 13 MiB that a server which asks nobody need not have
    const client = new Client(target.origin, {
      connect: { lookup, timeout: limit.timeoutMs, ...(ca !== undefined && { ca }) },
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    try {
      const { statusCode, headers, body } = await client.request({
        path: target.pathname + target.search,
        method: message.method,
        // Nothing compressed: a few bytes could become many.
        headers: { ...message.headers, 'accept-encoding': 'identity', 'user-agent': USER_AGENT },
        body: message.body ?? null,
        signal: limit.signal,
      });
      // The body stream reports its own end as an error too; the loop below sees the first one.
      body.on('error', () => {});
      const encoding = headers['content-encoding'];
      if (encoding !== undefined && encoding !== 'identity') throw new Error('the body is encoded');
      if (Number(headers['content-length'] ?? 0) > limit.maxBytes) throw new Error('the body is too long');
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of body as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length > limit.maxBytes) throw new Error('the body is too long');
        chunks.push(chunk);
      }
      return { status: statusCode, headers, body: Buffer.concat(chunks) };
    } finally {
      void client.destroy();
    }
  }

  return { get, send };
}

/** The standard shape of an answer whose body is already here. */
export function asResponse(answer: Answer): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(answer.headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? '']) headers.append(name, one);
  }
  const bodiless = [204, 205, 304].includes(answer.status);
  return new Response(bodiless ? null : new Uint8Array(answer.body), { status: answer.status, headers });
}

function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([work, aborted]);
}
