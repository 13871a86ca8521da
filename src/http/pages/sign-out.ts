// Signing out of this browser. Connections stay: they are the grants', not the session's.

import type { Context } from 'koa';
import { signedOutPage, signOutPage } from '../../../views/sign-out.ts';
import { readForm } from '../body.ts';
import { pageOf, show, standAlone } from '../view.ts';
import type { PageRooms } from './rooms.ts';
import { traceOf, visitor, workOf } from './visitor.ts';

export function signOut(rooms: PageRooms) {
  const { csrf, oauth, domain } = rooms;

  return {
    /** Asks first: a GET never ends a session. */
    async show(ctx: Context): Promise<void> {
      standAlone(ctx);
      const who = await visitor(ctx, rooms);
      if (!who) return show(ctx, signedOutPage(pageOf(ctx)));
      const page = pageOf(ctx, { account: { name: who.account.name }, csrf: csrf.token(who.binding) });
      show(ctx, signOutPage(page, { action: `${ctx.state['base']}/sign-out` }));
    },

    async send(ctx: Context): Promise<void> {
      standAlone(ctx);
      const form = await readForm(ctx);
      const who = await visitor(ctx, rooms);
      if (who) {
        csrf.check(ctx, form.one('csrf'), who.binding);
        await oauth.session.signOut(ctx);
        domain.audit.record(workOf(ctx), {
          action: 'account.signed_out',
          accountId: who.account.id,
          traceId: traceOf(ctx),
        });
      }
      show(ctx, signedOutPage(pageOf(ctx)));
    },
  };
}
