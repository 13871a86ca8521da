// Mounts a guard on node:http and on Express. Everything that reaches `protect` needs a token, whatever its path;
// only the metadata document is public.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Decision, Guard } from './guard.ts';
import { readNodeBody } from './node-body.ts';
import { rewriteOutgoing } from './node-response.ts';
import { type AuthInfo, authInfo, type Token } from './token.ts';

/** What a request carries after the guard: `auth` is what the MCP SDK hands to tools as `extra.authInfo`. */
export type GuardedRequest = IncomingMessage & {
  auth?: AuthInfo;
  token?: Token;
  body?: unknown;
  rawBody?: Buffer;
  originalUrl?: string;
};

type Next = (error?: unknown) => unknown;

/**
 * `(req, res, next)`: answers the metadata request and every refusal itself, and calls `next` for what may pass,
 * with `req.auth`, `req.token` and `req.body` (the parsed JSON) set.
 */
export function protect(guard: Guard) {
  return async (req: GuardedRequest, res: ServerResponse, next: Next): Promise<void> => {
    try {
      const metadata = guard.respondMetadata(req.method ?? '', pathOf(req));
      if (metadata) return await send(metadata, res);
      const decision = await decideNode(guard, req);
      if (!decision.ok) return await send(decision.response, res);
      admit(guard, req, res, decision);
    } catch (error) {
      if (req.destroyed && !req.complete) return;
      next(error);
      return;
    }
    await next();
  };
}

/** `(req, res, next)`: answers the metadata request only. For an application that guards one route of many. */
export function serveMetadata(guard: Guard) {
  return async (req: GuardedRequest, res: ServerResponse, next: Next): Promise<void> => {
    const metadata = guard.respondMetadata(req.method ?? '', pathOf(req));
    if (metadata) await send(metadata, res);
    else await next();
  };
}

/** The decision on a Node request. `parsed` is a body that a framework keeps elsewhere than on the request. */
export function decideNode(
  guard: Guard,
  req: GuardedRequest,
  parsed: unknown = req.body,
  path: string = req.originalUrl ?? req.url ?? '',
): Promise<Decision> {
  return guard.decide({
    method: req.method ?? '',
    // `req.headers` keeps the first of several Authorization headers and forgets the others.
    authorization: req.headersDistinct.authorization ?? [],
    proofs: req.headersDistinct.dpop ?? [],
    path,
    body: () => readNodeBody(req, parsed, guard.maxBody),
  });
}

/** Hands a permitted request on: who calls, exactly the body that was judged, and an answer that gets rewritten. */
export function admit(
  guard: Guard,
  req: GuardedRequest,
  res: ServerResponse,
  { token, body, rewrite }: Extract<Decision, { ok: true }>,
): void {
  req.token = token;
  req.auth = authInfo(token, guard.resource);
  if (body !== undefined) {
    req.body = body;
    // The SDK's transport reads this when it is not given the parsed body; the stream itself is spent.
    req.rawBody = Buffer.from(JSON.stringify(body));
  }
  if (!rewrite) return;
  // A compressed answer could not be rewritten.
  delete req.headers['accept-encoding'];
  rewriteOutgoing(res, rewrite);
}

async function send(response: Response, res: ServerResponse): Promise<void> {
  res.statusCode = response.status;
  for (const [name, value] of response.headers) {
    // An application that decides on CORS itself has done so before us.
    if (!name.startsWith('access-control-') || !res.hasHeader(name)) res.setHeader(name, value);
  }
  // The rest of a body that was refused unread must not be taken for the next request.
  if (response.status === 413 || response.status === 415) res.setHeader('connection', 'close');
  res.end(Buffer.from(await response.arrayBuffer()));
}

const pathOf = (req: GuardedRequest): string => (req.originalUrl ?? req.url ?? '').split('?')[0] ?? '';
