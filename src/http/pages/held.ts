// What servers may use on a person's behalf: seen on the page of connections, and ended there.

import type { Context } from 'koa';
import type { Held } from '../../../views/held.ts';
import { readForm } from '../body.ts';
import { goTo } from '../view.ts';
import { dayOf, momentOf } from './moments.ts';
import { notices } from './notice.ts';
import type { PageRooms } from './rooms.ts';
import { signInAddress } from './sign-in.ts';
import { visitor, workOf } from './visitor.ts';

const labelOf = ({ domain }: Pick<PageRooms, 'domain'>, name: string): string =>
  domain.upstreams.list().find(({ declaration }) => declaration.name === name)?.declaration.label ?? name;

/** The part of the connections page that shows them; undefined where there is none. */
export async function shownHeld(rooms: PageRooms, accountId: string): Promise<Held[] | undefined> {
  const { domain } = rooms;
  const list = await domain.vault.list(accountId);
  if (list.length === 0) return undefined;
  return list.map(({ id, upstream, name, createdAt, lastUsedAt, ended }) => ({
    id,
    label: labelOf(rooms, upstream),
    name,
    since: dayOf(createdAt),
    ...(lastUsedAt !== null && { lastUsed: momentOf(lastUsedAt, domain.clock()) }),
    over: ended !== undefined,
  }));
}

export function held(rooms: PageRooms) {
  const { csrf, config, domain } = rooms;
  const notice = notices({ issuer: config.issuer });
  return {
    /** POST /connections/upstreams/end */
    async end(ctx: Context): Promise<void> {
      const form = await readForm(ctx);
      const who = await visitor(ctx, rooms);
      if (!who) return goTo(ctx, signInAddress(ctx, '/connections'));
      csrf.check(ctx, form.one('csrf'), who.binding);
      const id = form.one('held');
      const { upstream } = await domain.vault.end(workOf(ctx), who.account.id, id, 'ended_by_person');
      notice.leave(ctx, { held: labelOf(rooms, upstream) });
      goTo(ctx, `${ctx.state['base']}/connections`);
    },
  };
}
