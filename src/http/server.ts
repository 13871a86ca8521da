// The whole stack of a request, in order, on one page. It owns HTTP: origins, limits, forms, pages, errors, commit.
// What a request means is for oauth/ and domain/ to say. Built and opened by the composition root.

import Koa, { type Context, type Next } from 'koa';
import type { Config } from '../config.ts';
import type { Keys } from '../domain/keys.ts';
import { Refusal } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { OAuth } from '../oauth/host.ts';
import { csrf } from './csrf.ts';
import { errors, newTraceId, TRACE_HEADER } from './errors.ts';
import { pinOrigin, requestAddress } from './guard.ts';
import { HEALTH_PATHS, health } from './health.ts';
import { limits } from './limits.ts';
import { listen } from './listener.ts';
import { metricsPage } from './metrics.ts';
import { leave } from './pages/leave.ts';
import type { Domain } from './pages/rooms.ts';
import { below, isOurs, routeOf } from './paths.ts';
import { programs } from './programs.ts';
import { shortWay } from './published.ts';
import { pageRoutes } from './routes.ts';
import { type Pending, requestScope } from './scope.ts';
import { protect } from './view.ts';

export type HttpNeeds = {
  rooms: Domain & { keys: Keys; storage: { ping(): Promise<void> }; work: () => Pending };
  config: Pick<Config, 'issuer' | 'host' | 'port' | 'trustedProxies' | 'metrics' | 'lifetimes' | 'limits'>;
  log: Log;
  metrics: Metrics;
  /** Makes a Refusal of a storage failure that will pass; hands everything else back. */
  explain: (error: unknown) => unknown;
};

export function httpServer({ rooms, config, log, metrics, explain }: HttpNeeds) {
  const { issuer } = config;
  const base = new URL(issuer).pathname.replace(/\/$/, '');
  const exempt = HEALTH_PATHS.flatMap((path) => [path, `${base}${path}`]);
  const failures = errors({ log, metrics, explain });
  const addressOf = requestAddress(config.trustedProxies);
  const limit = limits(rooms.clock, config.limits);
  const state = health({
    log,
    check: async () => {
      await rooms.storage.ping();
      if (!(await rooms.keys.list()).some((key) => key.state === 'current'))
        throw new Error('no current key');
    },
  });

  /** Outermost: every request has a trace id, is counted, and gets an answer. */
  async function trace(ctx: Context, next: Next): Promise<void> {
    const begun = performance.now();
    ctx.state['traceId'] = newTraceId();
    ctx.set(TRACE_HEADER, ctx.state['traceId']);
    protect(ctx, issuer);
    try {
      await next();
    } catch (error) {
      failures.fail(ctx, error);
    }
    // not when it began: the server may have been told to stop since
    if (state.draining && !ctx.headerSent) ctx.set('Connection', 'close');
    const seconds = (performance.now() - begun) / 1000;
    metrics.request({ method: ctx.method, route: routeOf(ctx), status: ctx.status, seconds });
  }

  async function healthChecks(ctx: Context, next: Next): Promise<void> {
    if (!exempt.includes(ctx.path)) return next();
    if (!['GET', 'HEAD'].includes(ctx.method)) {
      ctx.set('Allow', 'GET, HEAD');
      throw new Refusal('This address takes GET and HEAD only.', {
        reason: 'method_not_allowed',
        status: 405,
      });
    }
    return ctx.path.endsWith('/ready') ? state.ready(ctx) : state.alive(ctx);
  }

  async function deviceLimit(ctx: Context, next: Next): Promise<void> {
    if (ctx.method === 'POST' && below(ctx) === '/device_authorization') limit.device(ctx);
    return next();
  }

  const notFound = (): never => {
    throw new Refusal('No page of this server has this address.', { reason: 'not_found', status: 404 });
  };

  return {
    /** For the protocol engine: shows what it refuses before it may redirect. */
    renderError: failures.renderError,
    /** For the protocol engine: logs a failure that nobody expected, with the request's trace id. */
    reportBug: failures.reportBug,

    /** For the registration endpoint, which knows which registrations count. */
    registrationLimit: limit,

    /** For the protocol engine: a page instead of throwing a person at an address that nobody vouches for. */
    showLeave: leave,

    /** Serves; resolves with what stops it: not ready first, then no new requests, then those begun are finished. */
    async listen(oauth: OAuth): Promise<() => Promise<void>> {
      const app = new Koa();
      app.proxy = true; // only what `pinOrigin` wrote is left to believe
      app.keys = oauth.cookieSignatures as never; // all that the cookie library asks of a Keygrip
      app.silent = true;
      app.on('error', (error: unknown, ctx?: Context) => {
        // A client that hangs up while it is answered is no fault of ours.
        if (ctx && !['EPIPE', 'ECONNRESET'].includes(String((error as { code?: unknown }).code))) {
          failures.reportBug(error, ctx);
        }
      });
      const pages = {
        config,
        domain: rooms,
        oauth,
        csrf: csrf({ key: oauth.formKey, issuer }),
        limits: limit,
      };
      app.use(trace);
      app.use(pinOrigin({ issuer, addressOf, exempt }));
      app.use(healthChecks);
      app.use(deviceLimit);
      app.use(requestScope({ work: rooms.work, fail: failures.fail }));
      // Programs first: they ask the most, and are not to wait for every page's address to be tried.
      app.use((ctx, next) => (isOurs(ctx) ? oauth.handle(ctx, next) : next()));
      app.use(pageRoutes(pages, base));
      app.use(notFound);

      const short = programs(
        {
          find: oauth.program,
          issuer,
          addressOf,
          scope: requestScope({ work: rooms.work, fail: failures.failInJson }),
          fail: failures.failInJson,
          draining: () => state.draining,
          metrics,
        },
        app.callback(),
      );
      const served = shortWay({ find: oauth.published, host: new URL(issuer).host, metrics }, short);
      const open = [await listen(served, config)];
      try {
        if (config.metrics) open.push(await listen(metricsPage(metrics), config.metrics));
      } catch (error) {
        await open[0]?.();
        throw error;
      }
      return async () => {
        state.drain();
        await Promise.all(open.map((close) => close()));
      };
    },
  };
}

export type HttpServer = ReturnType<typeof httpServer>;
