// /metrics for Prometheus, on a listener of its own: what it says is for the operator's network only.

import type { RequestListener } from 'node:http';
import type { Metrics } from '../metrics.ts';

export const metricsPage =
  (metrics: Metrics): RequestListener =>
  async (req, res) => {
    if (req.url?.split('?')[0] !== '/metrics') return void res.writeHead(404).end();
    if (req.method !== 'GET') return void res.writeHead(405, { Allow: 'GET' }).end();
    try {
      const text = await metrics.text();
      res.writeHead(200, { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' }).end(text);
    } catch {
      res.writeHead(500).end();
    }
  };
