// How a person signs in: other ways added and removed, by themselves, shortly after they have shown who they are.

import type { Context } from 'koa';
import type { WaysIn } from '../../../views/ways-in.ts';
import { readForm } from '../body.ts';
import { goTo } from '../view.ts';
import { momentOf } from './moments.ts';
import { notices } from './notice.ts';
import type { PageRooms } from './rooms.ts';
import { signInAddress } from './sign-in.ts';
import { trips } from './trips.ts';
import { traceOf, type Visitor, visitor, workOf } from './visitor.ts';

/** The part of the connections page that says how one signs in; undefined where there is no choice. */
export async function shownWaysIn(rooms: PageRooms, { account }: Visitor): Promise<WaysIn | undefined> {
  const { domain } = rooms;
  const upstreams = trips(rooms).forSignIn();
  const held = await domain.identities.ofAccount(account.id);
  if (upstreams.length === 0 && held.length === 0) return undefined;
  const password = account.hasPassword && domain.policy.localPasswords;
  const now = domain.clock();
  return {
    ways: held.map((each) => ({
      id: each.id,
      label: upstreams.find(({ name }) => name === each.upstream)?.label ?? each.upstream,
      ...((each.username ?? each.email ?? each.name)
        ? { name: (each.username ?? each.email ?? each.name) as string }
        : {}),
      lastUsed: momentOf(each.lastUsedAt, now),
      only: !password && held.length === 1,
    })),
    password,
    more: upstreams.map(({ name, label }) => ({ name, label })),
  };
}

export function waysIn(rooms: PageRooms) {
  const { config, csrf, domain } = rooms;
  const notice = notices({ issuer: config.issuer });
  const way = trips(rooms);

  /** The person and their form; or undefined, having sent them to show who they are. */
  async function asked(ctx: Context) {
    const form = await readForm(ctx);
    const who = await visitor(ctx, rooms);
    if (!who) return void goTo(ctx, signInAddress(ctx, '/connections'));
    csrf.check(ctx, form.one('csrf'), who.binding);
    if (!who.recent) return void goTo(ctx, `${signInAddress(ctx, '/connections')}&again=1`);
    return { form, who };
  }

  return {
    async add(ctx: Context): Promise<void> {
      const request = await asked(ctx);
      if (!request) return;
      const { form, who } = request;
      await way.setOut(ctx, form.one('upstream'), {
        purpose: 'link',
        accountId: who.account.id,
        luggage: { session: who.session },
        prompt: 'select_account',
      });
    },

    async remove(ctx: Context): Promise<void> {
      const request = await asked(ctx);
      if (!request) return;
      const { form, who } = request;
      const upstreams = way.forSignIn();
      const removed = await domain.identities.unlink(
        workOf(ctx),
        who.account.id,
        form.one('way'),
        { upstreams, passwords: domain.policy.localPasswords },
        { traceId: traceOf(ctx) },
      );
      const label = upstreams.find(({ name }) => name === removed.upstream)?.label ?? removed.upstream;
      notice.leave(ctx, { wayIn: { label, what: 'removed' } });
      goTo(ctx, `${ctx.state['base']}/connections`);
    },
  };
}
