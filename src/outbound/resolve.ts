import { Resolver } from 'node:dns/promises';

/** The addresses of a host name; rejects when there are none. */
export type Resolve = (hostname: string) => Promise<string[]>;

/**
 * Asks DNS for the IPv4 and IPv6 addresses of a name.
 * Not getaddrinfo: it holds one of the process's few worker threads for as long as a name server is silent,
 * and the same threads check passwords. The hosts file is therefore not read; `localhost` is answered here.
 */
export const systemResolve: Resolve = async (hostname) => {
  // RFC 6761 §6.3: "Name resolution APIs and libraries SHOULD recognize localhost names as special".
  if (hostname === 'localhost') return ['127.0.0.1', '::1'];
  const resolver = new Resolver({ timeout: 1_000, tries: 2 });
  const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (addresses.length === 0) throw new Error(`no address for ${hostname}`);
  return addresses;
};
