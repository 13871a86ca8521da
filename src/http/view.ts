// How a page leaves: the one place where the headers that protect it are set and its markup becomes a body.

import type { Context } from 'koa';
import { type Html, render } from '../../views/html.ts';
import type { Page } from '../../views/layout.ts';

// No form-action: Chromium applies it to the redirect that follows a form, and that one goes to the app.
const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

/** What stands on answers that no person reads, and on all others with more. */
export const protectAll = (issuer: string): Record<string, string> => ({
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  // RFC 6797 §7.2: not over plain http
  ...(issuer.startsWith('https:') ? { 'Strict-Transport-Security': 'max-age=31536000' } : {}),
});

/** On every answer that a browser might show; whoever knows better (a public document, a file) sets its own Cache-Control later. */
export function protect(ctx: Context, issuer: string): void {
  ctx.set({
    ...protectAll(issuer),
    'Content-Security-Policy': POLICY,
    'X-Frame-Options': 'DENY',
    // The origin alone: paths hold one-time links. `no-referrer` would make our own forms send `Origin: null`, and then
    // nobody could tell them from foreign ones.
    'Referrer-Policy': 'strict-origin',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  });
}

/** Cuts a page off from whoever opened it. Not inside a flow: apps open that in a pop-up and wait for it to answer. */
export const standAlone = (ctx: Context): void => ctx.set('Cross-Origin-Opener-Policy', 'same-origin');

/** What every page is given, from the request. */
export const pageOf = (ctx: Context, more: Partial<Page> = {}): Page => ({
  base: String(ctx.state['base'] ?? ''),
  traceId: ctx.state['traceId'] as string | undefined,
  ...more,
});

export function show(ctx: Context, markup: Html, status = 200): void {
  ctx.status = status;
  ctx.type = 'text/html; charset=utf-8';
  ctx.body = render(markup);
}

/** After a form: 303, so that the browser asks with GET and forgets the form (RFC 9110 §15.4.4). */
export function goTo(ctx: Context, location: string): void {
  ctx.status = 303;
  ctx.redirect(location);
}
