// Forms of our own pages come back only from our own pages, in the browser that was shown them.
// The token is not stored: it is an HMAC over what the form belongs to (an interaction, a session, a link).

import type { KeyObject } from 'node:crypto';
import type { Context } from 'koa';
import { mac, random, sameSecret } from '../crypto.ts';
import { Refusal } from '../errors.ts';

const foreign = (): Refusal =>
  new Refusal('This form was not sent from the page that it belongs to.', {
    reason: 'form_foreign',
    status: 403,
    hint: 'Go back, load the page again, and send the form from there.',
  });

export type Binding = `${'interaction' | 'session' | 'setup' | 'browser'}:${string}`;

const COOKIE = 'cardea_form';

export function csrf({ key, issuer }: { key: KeyObject | Buffer; issuer: string }) {
  const { origin, protocol } = new URL(issuer);
  const cookie = protocol === 'https:' ? `__Host-${COOKIE}` : COOKIE;

  return {
    token: (binding: Binding): string => mac(key, binding),

    /** Throws a Refusal 403 unless the form comes from our own origin and carries the token of `binding`. */
    check(ctx: Context, token: string, binding: Binding): void {
      const from = ctx.get('Origin');
      if (from && from !== origin) throw foreign();
      // W3C Fetch Metadata §2.3; `none` is a person's own doing, and people do not type forms into the address bar.
      const site = ctx.get('Sec-Fetch-Site');
      if (site && site !== 'same-origin') throw foreign();
      if (!sameSecret(token, mac(key, binding))) throw foreign();
    },

    /** What a form is bound to in a browser that is not signed in: a cookie of its own. */
    browser(ctx: Context): Binding {
      const known = ctx.cookies.get(cookie, { signed: true });
      const id = known ?? random(16);
      if (!known) ctx.cookies.set(cookie, id, { signed: true, httpOnly: true, sameSite: 'lax', path: '/' });
      return `browser:${id}`;
    },
  };
}

export type Csrf = ReturnType<typeof csrf>;
