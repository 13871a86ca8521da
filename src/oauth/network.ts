// Whose an address is, where something is counted or rationed by who asks.

import ipaddr from 'ipaddr.js';

/** The network of an address: in IPv6 the /64, of which one customer has all (RFC 6177 §2). */
export function network(ip: string): string {
  if (!ip.includes(':') || !ipaddr.isValid(ip)) return ip;
  const found = ipaddr.process(ip);
  return found.kind() === 'ipv4' ? found.toString() : (found as ipaddr.IPv6).parts.slice(0, 4).join(':');
}
