// A listening socket that bounds how slowly a client may speak, and that closes without cutting anyone off.

import { createServer, type RequestListener } from 'node:http';
import type { Listener } from '../config.ts';

const LONGEST_DRAIN = 25_000;
const IDLE_EVERY = 100;

/** Listens; resolves with what stops it: no new requests, those begun are finished (25 s at most). Rejects when it cannot listen. */
export async function listen(
  handler: RequestListener,
  { host, port }: Listener,
): Promise<() => Promise<void>> {
  const server = createServer(
    {
      maxHeaderSize: 16 * 1024,
      headersTimeout: 15_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 5_000,
      // longer than the 60 s after which load balancers drop an idle connection, so that they close first
      keepAliveTimeout: 65_000,
    },
    handler,
  );
  server.maxHeadersCount = 200;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host.replace(/^\[(.*)\]$/, '$1'), () => {
      server.off('error', reject);
      resolve();
    });
  });
  return () =>
    new Promise<void>((resolve) => {
      const cut = setTimeout(() => server.closeAllConnections(), LONGEST_DRAIN);
      // who was answered in the meantime may keep the connection, and nothing more comes on it
      const idle = setInterval(() => server.closeIdleConnections(), IDLE_EVERY);
      server.close(() => {
        clearTimeout(cut);
        clearInterval(idle);
        resolve();
      });
      server.closeIdleConnections();
    });
}
