// Between an authorization request that failed at once and the app's address, for apps that nobody vouches for.

import type { Context } from 'koa';
import { leavePage } from '../../../views/leave.ts';
import type { Leaving } from '../../oauth/leaving.ts';
import { pageOf, show } from '../view.ts';

export function leave(ctx: Context, { clientName, href }: Leaving): void {
  ctx.remove('Location');
  show(
    ctx,
    leavePage(pageOf(ctx), { client: { name: clientName }, redirect: { host: new URL(href).host }, href }),
  );
}
