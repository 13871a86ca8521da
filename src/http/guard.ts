// Pins the origin: what a request says about where it was sent or came from counts for nothing once it has passed.
// It owns Host, forwarding headers and the client's address; what may be asked here is decided further on.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Context, Next } from 'koa';
import { Refusal } from '../errors.ts';

export type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

export const networks = (cidrs: readonly string[]): Network[] => cidrs.map((cidr) => ipaddr.parseCIDR(cidr));

/** The address in its plain form, an IPv4 address mapped into IPv6 unwrapped; undefined when it is none. */
function address(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const bare = text.trim().replace(/^\[([^\]]*)\](:\d+)?$/, '$1');
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}

const within = (text: string, trusted: readonly Network[]): boolean => {
  const found = address(text);
  return (
    found !== undefined &&
    trusted.some(([net, bits]) => found.kind() === net.kind() && found.match([net, bits]))
  );
};

/**
 * Who is asking: the peer, unless that is one of our own proxies; then the right-most forwarded address that is not.
 * Whatever stands to the left of it was written by the client itself.
 */
export function clientAddress(
  peer: string,
  forwarded: string | undefined,
  trusted: readonly Network[],
): string {
  const plain = (text: string): string => address(text)?.toString() ?? text.trim();
  if (!within(peer, trusted)) return plain(peer);
  const hops = (forwarded ?? '').split(',').map(plain).filter(Boolean);
  const last = hops.findLastIndex((hop) => !within(hop, trusted));
  const found = last >= 0 ? hops[last] : hops[0];
  return found !== undefined && address(found) ? found : plain(peer);
}

/** The same of a request. What a peer's address is worth is looked at once in the life of its connection. */
export function requestAddress(trustedProxies: readonly string[]): (req: IncomingMessage) => string {
  const trusted = networks(trustedProxies);
  const strangers = new WeakMap<Socket, string>();
  return ({ socket, headers }) => {
    const before = strangers.get(socket);
    if (before !== undefined) return before;
    const peer = socket.remoteAddress ?? '';
    const ip = clientAddress(peer, [headers['x-forwarded-for'] ?? []].flat().join(','), trusted);
    if (!within(peer, trusted)) strangers.set(socket, ip);
    return ip;
  };
}

/** How many Host headers a request has. */
export function hostsOf({ rawHeaders }: IncomingMessage): number {
  let found = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') found += 1;
  }
  return found;
}

const notHere = (message: string, status = 421): Refusal =>
  new Refusal(message, {
    reason: 'wrong_origin',
    status,
    hint: 'Use that address. Behind a reverse proxy, have it pass the Host header on.',
  });

// What a proxy or a client may say about another origin, path or method than the request line does.
const OVERRULING =
  /^(forwarded|x-forwarded-.*|x-original-(url|host|uri|method)|x-rewrite-url|x-real-ip|x-http-method(-override)?|x-method-override|x-host)$/;

/** First in the stack. `exempt` are paths that a load balancer asks by whatever name it has for this machine. */
export function pinOrigin({
  issuer,
  addressOf,
  exempt,
}: {
  issuer: string;
  addressOf: (req: IncomingMessage) => string;
  exempt: readonly string[];
}) {
  const url = new URL(issuer);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const hosts = [url.host, `${url.hostname}:${port}`];
  const base = url.pathname.replace(/\/$/, '');

  function check(ctx: Context): void {
    const { req } = ctx;
    // RFC 9112 §3.2: one Host header field, no more; which of two wins differs between a proxy and us.
    if (hostsOf(req) > 1) {
      throw notHere('The request has several Host headers.', 400);
    }
    const target = req.url ?? '';
    if (!target.startsWith('/')) {
      // RFC 9112 §3.2.2: a server must accept the absolute form, for an origin that is its own.
      const absolute = URL.parse(target);
      if (absolute?.origin !== url.origin) throw notHere(`This server is at ${issuer} and nowhere else.`);
      req.url = absolute.pathname + absolute.search;
      ctx.originalUrl = req.url;
    }
    const asked = req.headers.host?.toLowerCase();
    if (!exempt.includes(ctx.path) && (asked === undefined || !hosts.includes(asked))) {
      throw notHere(`This server is at ${issuer} and nowhere else.`);
    }
  }

  return async function pinned(ctx: Context, next: Next): Promise<void> {
    const { headers } = ctx.req;
    const ip = addressOf(ctx.req);
    for (const name of Object.keys(headers)) if (OVERRULING.test(name)) delete headers[name];
    ctx.state['ip'] = ip;
    ctx.state['base'] = base;
    check(ctx);
    headers.host = url.host;
    headers['x-forwarded-proto'] = url.protocol.slice(0, -1);
    headers['x-forwarded-for'] = ip;
    await next();
  };
}
