// The few files that pages refer to, read once at the start. No path from a request ever reaches the file system.

import { readFileSync } from 'node:fs';
import type { Context } from 'koa';
import { digest } from '../../crypto.ts';
import { Refusal } from '../../errors.ts';

const KINDS: Record<string, string> = {
  'cardea.css': 'text/css; charset=utf-8',
  'favicon.svg': 'image/svg+xml',
};

export function files() {
  const held = new Map(
    Object.entries(KINDS).map(([name, type]) => {
      const body = readFileSync(new URL(`../../../views/public/${name}`, import.meta.url));
      return [name, { type, body, etag: `"${digest('file', body.toString('latin1')).slice(0, 16)}"` }];
    }),
  );

  return {
    show(ctx: Context): void {
      const file = held.get(String(ctx['params'].name));
      if (!file) throw new Refusal('There is no such file.', { reason: 'not_found', status: 404 });
      // An hour, then asked again by its tag: a new version is seen the same day, whatever a browser remembers.
      ctx.set('Cache-Control', 'public, max-age=3600');
      ctx.status = 200;
      ctx.type = file.type;
      ctx.etag = file.etag;
      if (ctx.fresh) {
        ctx.status = 304;
        return;
      }
      ctx.body = file.body;
    },
  };
}
