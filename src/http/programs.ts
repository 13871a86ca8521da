// The short way for what programs ask all day: tokens, and whether one still holds. The same steps as in server.ts — an
// origin that is ours, a trace id, one commit, one place for errors, a count — without a framework for pages.
// Only the plain form of a request comes here; whatever is unusual goes the long way, and is served or refused there.

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Metrics } from '../metrics.ts';
import type { Program } from '../oauth/host.ts';
import type { HttpCall } from '../oauth/http-call.ts';
import { newTraceId, TRACE_HEADER } from './errors.ts';
import { hostsOf } from './guard.ts';
import { routeOf } from './paths.ts';
import { protectAll } from './view.ts';

type Call = HttpCall & { headers: Record<string, string> };

export function programs(
  {
    find,
    issuer,
    addressOf,
    scope,
    fail,
    draining,
    metrics,
  }: {
    find: (path: string) => Program | undefined;
    issuer: string;
    addressOf: (req: IncomingMessage) => string;
    /** One request, one commit. */
    scope: (call: HttpCall, next: () => Promise<void>) => Promise<void>;
    fail: (call: HttpCall, error: unknown) => void;
    draining: () => boolean;
    metrics: Metrics;
  },
  longWay: RequestListener,
): RequestListener {
  const { host, pathname } = new URL(issuer);
  const base = pathname.replace(/\/$/, '');
  const always = protectAll(issuer);

  function callOf(req: IncomingMessage, path: string, program: Program): Call {
    const traceId = newTraceId();
    const headers: Record<string, string> = { ...always, ...program.headers, [TRACE_HEADER]: traceId };
    return {
      req,
      method: 'POST',
      path,
      querystring: '',
      state: { traceId, base, ip: addressOf(req) },
      status: 200,
      body: '',
      headers,
      set(name, value) {
        headers[name] = value;
      },
      remove(name) {
        delete headers[name];
      },
    };
  }

  function send(res: ServerResponse, { status, body, headers }: Call): void {
    let text = body;
    if (typeof text !== 'string') {
      text = JSON.stringify(body);
      headers['Content-Type'] ??= 'application/json; charset=utf-8';
    }
    // not when it began: the server may have been told to stop since
    if (draining()) headers['Connection'] = 'close';
    // with its length known and all of it said at once, it is one write to the socket
    headers['Content-Length'] = String(Buffer.byteLength(text as string));
    res.writeHead(status, headers).end(text);
  }

  async function serve(req: IncomingMessage, res: ServerResponse, path: string, program: Program) {
    const begun = performance.now();
    const call = callOf(req, path, program);
    try {
      await scope(call, () => program.serve(call));
    } catch (error) {
      fail(call, error);
    }
    send(res, call);
    const seconds = (performance.now() - begun) / 1000;
    metrics.request({ method: 'POST', route: routeOf(call), status: call.status, seconds });
  }

  return (req, res) => {
    const path = req.url ?? '';
    const program = req.method === 'POST' ? find(path) : undefined;
    if (!program || req.headers.host !== host || hostsOf(req) !== 1) return longWay(req, res);
    void serve(req, res, path, program);
  };
}
