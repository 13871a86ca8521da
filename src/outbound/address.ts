// Which addresses a request may go to: only what is publicly routable, by an allow-list with holes.

import ipaddr from 'ipaddr.js';

/**
 * Blocks that ipaddr.js calls ordinary unicast in some version and that nobody's public server lives in
 * (IANA special-purpose registries, RFC 6890 and its successors), and addresses of cloud machinery.
 */
const SPECIAL = [
  '0.0.0.0/8',
  '100.64.0.0/10',
  '168.63.129.16/32', // Azure's wire server, which hands out the machine's own credentials
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '240.0.0.0/4',
  '2001::/23', // Teredo, benchmarking, ORCHID and other protocol assignments
  '2001:db8::/32',
  '2002::/16', // 6to4: carries an IPv4 address
  '2620:4f:8000::/48',
  '3fff::/20',
].map((block) => ipaddr.parseCIDR(block));

/** Everything routed today is here; loopback, mapped, translated (64:ff9b::), local and multicast are not. */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3');

/** True when `address` (text, no brackets) is an ordinary public address; false for anything else, or unreadable. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  if (parsed.kind() === 'ipv6' && !parsed.match(GLOBAL_UNICAST)) return false;
  return !SPECIAL.some((block) => block[0].kind() === parsed.kind() && parsed.match(block));
}

/** True for 127.0.0.0/8 and ::1. */
export const isLoopbackAddress = (address: string): boolean =>
  ipaddr.isValid(address) && ipaddr.parse(address).range() === 'loopback';
