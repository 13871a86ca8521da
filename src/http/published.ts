// A short way for documents that never change between two requests: prebuilt bytes, before any framework looks.
// Everything unusual about a request (another method, a query, a foreign host) goes the long way, and is refused there.

import type { RequestListener } from 'node:http';
import type { Metrics } from '../metrics.ts';
import type { Document } from '../oauth/published.ts';

export function shortWay(
  { find, host, metrics }: { find: (path: string) => Document | undefined; host: string; metrics: Metrics },
  longWay: RequestListener,
): RequestListener {
  return (req, res) => {
    const document = req.method === 'GET' ? find(req.url ?? '') : undefined;
    // `headers.host` would be the first of several
    const hosts = document && req.headersDistinct['host'];
    if (!document || hosts?.length !== 1 || hosts[0] !== host) return longWay(req, res);
    res.writeHead(200, document.headers).end(document.body);
    metrics.request({ method: 'GET', route: 'published', status: 200, seconds: 0 });
  };
}
