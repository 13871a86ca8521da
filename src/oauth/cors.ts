// CORS for what browsers may call: clients that run in a page register, exchange and revoke from their own origin.
// No credentials are ever allowed, so a foreign page can do nothing here that it could not do from anywhere.

import type { Context } from 'koa';

const METHODS: Record<string, string> = {
  '/par': 'POST',
  '/device_authorization': 'POST',
  '/token': 'POST',
  '/register': 'POST',
  '/revoke': 'POST',
};

/** What every answer that a foreign page may read carries. */
export const CORS_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'WWW-Authenticate, DPoP-Nonce, Cardea-Trace-Id',
};

/** Those headers for an endpoint that takes POST, if foreign pages may read its answers. */
export const corsHeaders = (path: string): Record<string, string> =>
  METHODS[path] === 'POST' ? CORS_HEADERS : {};

/**
 * Sets the headers; true when it was a preflight and is answered. `path` is relative to the issuer;
 * `published` documents may be read by every page.
 */
export function cors(ctx: Context, path: string, published: boolean): boolean {
  const managed = path.startsWith('/register/') ? 'GET, PUT, DELETE' : undefined;
  const method = published ? 'GET' : (METHODS[path] ?? managed);
  if (!method) return false;
  ctx.set(CORS_HEADERS);
  if (ctx.method !== 'OPTIONS') return false;
  ctx.set('Access-Control-Allow-Methods', method);
  ctx.set('Access-Control-Allow-Headers', 'Authorization, Content-Type, MCP-Protocol-Version, DPoP');
  ctx.set('Access-Control-Max-Age', '3600');
  ctx.status = 204;
  return true;
}
