// Signing in outside a flow, to look after one's connections.

import type { Context } from 'koa';
import { signInPage } from '../../../views/sign-in.ts';
import { readForm } from '../body.ts';
import { goTo, pageOf, show, standAlone } from '../view.ts';
import { authenticate, NOT_TOGETHER } from './password.ts';
import type { PageRooms } from './rooms.ts';
import { trips } from './trips.ts';
import { visitor } from './visitor.ts';

// Where somebody may be sent afterwards; a list, because every pattern has let something through once.
const DESTINATIONS = ['/connections', '/sign-out', '/device', '/'];

// The code that a device shows comes along; it is letters, and a dash.
const CODE = /^[A-Za-z-]{1,12}$/;

// A one-time link of ours, and nothing beside it.
const CONNECT = /^\/connect\/[\w-]{43}$/;

function destination(ctx: Context): string {
  const { to } = ctx.query;
  if (typeof to === 'string' && CONNECT.test(to)) return to;
  return DESTINATIONS.find((known) => known === to) ?? '/connections';
}

const codeOf = (ctx: Context): string => {
  const { code } = ctx.query;
  return typeof code === 'string' && CODE.test(code) ? code : '';
};

/** `code`: what a device shows, for `/device`. */
export const signInAddress = (ctx: Context, to: string, code = ''): string =>
  `${ctx.state['base']}/sign-in?to=${encodeURIComponent(to)}${CODE.test(code) ? `&code=${code}` : ''}`;

export function signIn(rooms: PageRooms) {
  const { csrf, oauth, domain } = rooms;
  const way = trips(rooms);
  // Below the issuer.
  const onward = (ctx: Context): string => {
    const code = destination(ctx) === '/device' ? codeOf(ctx) : '';
    return `${destination(ctx)}${code && `?code=${code}`}`;
  };
  const afterwards = (ctx: Context): string => `${ctx.state['base']}${onward(ctx)}`;
  // Signed in, but too long ago for what is to be done.
  const again = (ctx: Context): boolean => ctx.query['again'] === '1';

  function form(ctx: Context, refused?: { username: string }): void {
    standAlone(ctx);
    const page = pageOf(ctx, { csrf: csrf.token(csrf.browser(ctx)) });
    const action = `${signInAddress(ctx, destination(ctx), codeOf(ctx))}${again(ctx) ? '&again=1' : ''}`;
    const ways = { upstreams: way.forSignIn(), passwords: domain.policy.localPasswords, again: again(ctx) };
    // 422: browsers show its page, and the form may be sent again as it is (RFC 9110 §15.5.21)
    show(
      ctx,
      signInPage(page, { action, ...ways, ...(refused && { ...refused, error: NOT_TOGETHER }) }),
      refused ? 422 : 200,
    );
  }

  return {
    async show(ctx: Context): Promise<void> {
      if (!again(ctx) && (await visitor(ctx, rooms))) return goTo(ctx, afterwards(ctx));
      form(ctx);
    },

    async send(ctx: Context): Promise<void> {
      const given = await readForm(ctx);
      csrf.check(ctx, given.one('csrf'), csrf.browser(ctx));
      const upstream = given.one('upstream');
      if (upstream) {
        return way.setOut(ctx, upstream, {
          purpose: 'sign_in',
          luggage: { to: onward(ctx) },
          prompt: again(ctx) ? 'login' : undefined,
        });
      }
      const account = await authenticate(ctx, given, rooms);
      if (!account) return form(ctx, { username: given.one('username') });
      await oauth.session.signIn(ctx, account, ['pwd']);
      goTo(ctx, afterwards(ctx));
    },
  };
}
