// Which of the protocol's endpoints a request is for, by its path below the issuer; for metrics, and for who reads errors.

import type { HttpCall } from '../oauth/http-call.ts';

type Routed = Pick<HttpCall, 'path' | 'method' | 'status' | 'state'>;

const FOR_PROGRAMS = [
  '/par',
  '/device_authorization',
  '/token',
  '/register',
  '/introspect',
  '/revoke',
  '/jwks',
];
const WRITING = ['/par', '/device_authorization', '/token', '/register', '/introspect', '/revoke'];

/** The path below the issuer's own, or undefined when it lies beside it. */
export function below(ctx: Routed): string | undefined {
  const base = String(ctx.state['base'] ?? '');
  if (ctx.path === base) return '/';
  return ctx.path.startsWith(`${base}/`) ? ctx.path.slice(base.length) : undefined;
}

/** Below the issuer, or a well-known document, which has its place before the issuer's path (RFC 8414 §3.1). */
export const isOurs = (ctx: Routed): boolean =>
  below(ctx) !== undefined || ctx.path.startsWith('/.well-known/');

const isRegistration = (path: string | undefined): boolean => path?.startsWith('/register/') ?? false;

/** Answers there are read by programs. */
export const isForPrograms = (ctx: Routed): boolean =>
  ctx.path.includes('/.well-known/') || FOR_PROGRAMS.includes(below(ctx) ?? '') || isRegistration(below(ctx));

/** A refusal there takes back what the request was about to write. */
export const isTransaction = (ctx: Routed): boolean =>
  ctx.method === 'POST' && WRITING.includes(below(ctx) ?? '');

/** The pattern that a request matched, for metrics: few values, whatever is asked. */
export function routeOf(ctx: Routed & { _matchedRoute?: unknown }): string {
  const matched = ctx._matchedRoute;
  if (typeof matched === 'string') return matched;
  const path = below(ctx) ?? ctx.path;
  if (path.startsWith('/authorize/')) return '/authorize/:uid';
  if (isRegistration(path)) return '/register/:id';
  if (FOR_PROGRAMS.includes(path) || ['/authorize', '/health', '/ready'].includes(path)) return path;
  return ctx.status === 404 ? 'none' : ctx.path.includes('/.well-known/') ? '/.well-known' : 'other';
}
