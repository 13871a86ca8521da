// The front page.

import type { Context } from 'koa';
import { homePage } from '../../../views/home.ts';
import { pageOf, show, standAlone } from '../view.ts';
import type { PageRooms } from './rooms.ts';
import { visitor } from './visitor.ts';

export const home = (rooms: PageRooms) => ({
  async show(ctx: Context): Promise<void> {
    const who = await visitor(ctx, rooms);
    standAlone(ctx);
    const account = who && { account: { name: who.account.name } };
    show(ctx, homePage(pageOf(ctx, account), { issuer: rooms.config.issuer }));
  },
});
