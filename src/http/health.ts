// Whether this process is alive, and whether it should be sent requests. Says no more than that: anybody may ask.

import type { Context } from 'koa';
import { type Log, traced } from '../log.ts';

export const HEALTH_PATHS = ['/health', '/ready'];

export function health({ check, log }: { check: () => Promise<unknown>; log: Log }) {
  let draining = false;

  const say = (ctx: Context, status: number, word: string): void => {
    ctx.status = status;
    ctx.body = { status: word };
  };

  return {
    /** No request should come any more. */
    drain(): void {
      draining = true;
    },
    get draining(): boolean {
      return draining;
    },
    alive: (ctx: Context): void => say(ctx, 200, 'ok'),
    /** 200 when the database answers and there is a key to sign with; 503 while draining or when not. */
    async ready(ctx: Context): Promise<void> {
      if (draining) return say(ctx, 503, 'draining');
      try {
        await check();
        say(ctx, 200, 'ready');
      } catch (error) {
        traced(log, String(ctx.state['traceId'])).warn({ err: error }, 'not ready');
        say(ctx, 503, 'unavailable');
      }
    },
  };
}

export type Health = ReturnType<typeof health>;
