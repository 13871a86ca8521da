// Every address that a person can open, on one page. The protocol's own are in oauth/.

import Router from '@koa/router';
import type { Context, Next } from 'koa';
import { Refusal } from '../errors.ts';
import { connect } from './pages/connect.ts';
import { connections } from './pages/connections.ts';
import { device } from './pages/device.ts';
import { files } from './pages/files.ts';
import { held } from './pages/held.ts';
import { home } from './pages/home.ts';
import { interaction } from './pages/interaction.ts';
import type { PageRooms } from './pages/rooms.ts';
import { setup } from './pages/setup.ts';
import { signIn } from './pages/sign-in.ts';
import { signOut } from './pages/sign-out.ts';
import { upstream } from './pages/upstream.ts';
import { waysIn } from './pages/ways-in.ts';

type Route = [path: string, handlers: { get?: Handler; post?: Handler }];
type Handler = (ctx: Context) => Promise<void> | void;

function table(rooms: PageRooms): Route[] {
  const page = {
    home: home(rooms),
    signIn: signIn(rooms),
    signOut: signOut(rooms),
    connections: connections(rooms),
    setup: setup(rooms),
    interaction: interaction(rooms),
    upstream: upstream(rooms),
    waysIn: waysIn(rooms),
    device: device(rooms),
    held: held(rooms),
    connect: connect(rooms),
    files: files(),
  };
  return [
    ['/', { get: page.home.show }],
    ['/sign-in', { get: page.signIn.show, post: page.signIn.send }],
    ['/sign-out', { get: page.signOut.show, post: page.signOut.send }],
    ['/connections', { get: page.connections.show }],
    ['/connections/end', { post: page.connections.end }],
    ['/connections/end-all', { post: page.connections.endAll }],
    ['/connections/ways-in/add', { post: page.waysIn.add }],
    ['/connections/ways-in/remove', { post: page.waysIn.remove }],
    ['/connections/upstreams/end', { post: page.held.end }],
    ['/connect/:token', { get: page.connect.show, post: page.connect.send }],
    ['/setup/:token', { get: page.setup.show, post: page.setup.send }],
    ['/interaction/:uid', { get: page.interaction.show, post: page.interaction.send }],
    ['/interaction/:uid/upstream', { get: page.upstream.handOver }],
    // one redirect URI for each upstream: an answer of one is worth nothing at another's (RFC 9700 §4.4.2.2)
    ['/upstream/:name/callback', { get: page.upstream.callback }],
    ['/device', { get: page.device.show, post: page.device.send }],
    ['/device/decide', { post: page.device.decide }],
    ['/device/allowed', { get: page.device.allowed }],
    ['/device/denied', { get: page.device.denied }],
    ['/public/:name', { get: page.files.show }],
  ];
}

/** Serves the pages below `base` (the issuer's path); calls `next` for every other address. */
export function pageRoutes(rooms: PageRooms, base: string): (ctx: Context, next: Next) => Promise<void> {
  const router = new Router({ prefix: base, sensitive: true });
  for (const [path, { get, post }] of table(rooms)) {
    // HEAD is answered as GET is; every other method is told which there are (RFC 9110 §15.5.6).
    const allow = [get && 'GET, HEAD', post && 'POST'].filter(Boolean).join(', ');
    router.all(path, async (ctx) => {
      const asked = ctx as unknown as Context;
      if (get && ['GET', 'HEAD'].includes(ctx.method)) return get(asked);
      if (post && ctx.method === 'POST') return post(asked);
      ctx.set('Allow', allow);
      throw new Refusal(`This address takes ${allow} only.`, { reason: 'method_not_allowed', status: 405 });
    });
  }
  return router.routes() as unknown as (ctx: Context, next: Next) => Promise<void>;
}
