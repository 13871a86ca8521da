// Mounts a guard on Koa: `app.use(protect(guard))`. Koa itself is not needed here, only the shape of its context.
import type { ServerResponse } from 'node:http';
import type { Guard } from './guard.ts';
import { admit, decideNode, type GuardedRequest } from './node.ts';

/** As much of Koa's context as the guard touches. */
export type KoaContext = {
  req: object;
  res: ServerResponse;
  method: string;
  originalUrl: string;
  state: Record<PropertyKey, unknown>;
  request: object;
  status: number;
  body: unknown;
  set(name: string, value: string): void;
};

/** Koa middleware: answers metadata and refusals, else sets `ctx.state.token` and, on `ctx.req`, `auth` and `body`. */
export function protect(guard: Guard) {
  return async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    const metadata = guard.respondMetadata(ctx.method, ctx.originalUrl.split('?')[0] ?? '');
    if (metadata) return send(metadata, ctx);
    const req = ctx.req as GuardedRequest;
    const parsed = (ctx.request as { body?: unknown }).body;
    const decision = await decideNode(guard, req, parsed === undefined ? req.body : parsed, ctx.originalUrl);
    if (!decision.ok) return send(decision.response, ctx);
    ctx.state.token = decision.token;
    (ctx.request as { body?: unknown }).body = decision.body;
    admit(guard, req, ctx.res, decision);
    await next();
  };
}

async function send(response: Response, ctx: KoaContext): Promise<void> {
  ctx.status = response.status;
  for (const [name, value] of response.headers) {
    if (!name.startsWith('access-control-') || !ctx.res.hasHeader(name)) ctx.set(name, value);
  }
  // The rest of a body that was refused unread must not be taken for the next request.
  if (response.status === 413 || response.status === 415) ctx.set('connection', 'close');
  ctx.body = response.body === null ? null : Buffer.from(await response.arrayBuffer());
}
