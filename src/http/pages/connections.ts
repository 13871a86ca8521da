// What a person has allowed: seen here, and ended here.

import type { Context } from 'koa';
import { connectionsPage } from '../../../views/connections.ts';
import { readForm } from '../body.ts';
import { goTo, pageOf, show, standAlone } from '../view.ts';
import { shownConnection } from './connection.ts';
import { shownHeld } from './held.ts';
import { momentOf } from './moments.ts';
import { notices } from './notice.ts';
import type { PageRooms } from './rooms.ts';
import { signInAddress } from './sign-in.ts';
import { type Visitor, visitor, workOf } from './visitor.ts';
import { shownWaysIn } from './ways-in.ts';

const BY = 'ended_by_person';

export function connections(rooms: PageRooms) {
  const { csrf, config, domain } = rooms;
  const notice = notices({ issuer: config.issuer });

  /** The person and their form; or undefined, having sent them to sign in. */
  async function asked(ctx: Context) {
    const form = await readForm(ctx);
    const who = await visitor(ctx, rooms);
    if (!who) return void goTo(ctx, signInAddress(ctx, '/connections'));
    csrf.check(ctx, form.one('csrf'), who.binding);
    return { form, who };
  }

  async function list(ctx: Context, who: Visitor): Promise<void> {
    const now = domain.clock();
    const standing = (await domain.grants.connections(who.account.id)).filter((each) => each.expiresAt > now);
    const page = pageOf(ctx, { account: { name: who.account.name }, csrf: csrf.token(who.binding) });
    const done = notice.take(ctx);
    const waysIn = await shownWaysIn(rooms, who);
    const heldElsewhere = await shownHeld(rooms, who.account.id);
    const until = done?.until ? { lastTokenUntil: momentOf(done.until, now) } : {};
    show(
      ctx,
      connectionsPage(page, {
        connections: await Promise.all(standing.map((each) => shownConnection(each, domain))),
        ...(done &&
          !done.wayIn &&
          !done.held &&
          (done.client === undefined ? { endedAll: until } : { ended: { client: done.client, ...until } })),
        ...(done?.held && { endedHeld: done.held }),
        ...(heldElsewhere && { held: heldElsewhere }),
        ...(waysIn && { waysIn: { ...waysIn, changed: done?.wayIn } }),
      }),
    );
  }

  /** Only a time that is still to come is worth telling. */
  const later = (accessUntil: number | null): { until?: number } =>
    accessUntil !== null && accessUntil > domain.clock() ? { until: accessUntil } : {};

  return {
    async show(ctx: Context): Promise<void> {
      standAlone(ctx);
      const who = await visitor(ctx, rooms);
      if (!who) return goTo(ctx, signInAddress(ctx, '/connections'));
      await list(ctx, who);
    },

    async end(ctx: Context): Promise<void> {
      const request = await asked(ctx);
      if (!request) return;
      const { form, who } = request;
      const { clientName, accessUntil } = await domain.grants.end(
        workOf(ctx),
        form.one('grant'),
        BY,
        who.account.id,
      );
      notice.leave(ctx, { client: clientName, ...later(accessUntil) });
      goTo(ctx, `${ctx.state['base']}/connections`);
    },

    async endAll(ctx: Context): Promise<void> {
      const request = await asked(ctx);
      if (!request) return;
      const { accessUntil } = await domain.grants.endAll(workOf(ctx), request.who.account.id, BY);
      notice.leave(ctx, later(accessUntil));
      goTo(ctx, `${ctx.state['base']}/connections`);
    },
  };
}
