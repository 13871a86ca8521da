// CORS for what browsers may call: clients that run in a page register, exchange and revoke from their own origin.
// No credentials are ever allowed, so a foreign page can do nothing here that it could not do from anywhere.

import type { Context } from 'koa';

const METHODS: Record<string, string> = {
  '/.well-known/oauth-authorization-server': 'GET',
  '/.well-known/openid-configuration': 'GET',
  '/jwks': 'GET',
  '/token': 'POST',
  '/register': 'POST',
  '/revoke': 'POST',
};

/** Sets the headers; true when it was a preflight and is answered. `path` is relative to the issuer. */
export function cors(ctx: Context, path: string): boolean {
  const method = METHODS[path];
  if (!method) return false;
  ctx.set('Access-Control-Allow-Origin', '*');
  ctx.set('Access-Control-Expose-Headers', 'WWW-Authenticate, Cardea-Trace-Id');
  if (ctx.method !== 'OPTIONS') return false;
  ctx.set('Access-Control-Allow-Methods', method);
  ctx.set('Access-Control-Allow-Headers', 'Authorization, Content-Type, MCP-Protocol-Version, DPoP');
  ctx.set('Access-Control-Max-Age', '3600');
  ctx.status = 204;
  return true;
}
