// One request, one commit: what a request writes is durable before its answer leaves, or the answer is another one.

import type { Context, Next } from 'koa';
import { Refusal } from '../errors.ts';
import type { Errors } from './errors.ts';
import { isTransaction } from './paths.ts';

/** The request's pending writes, as far as this room is concerned. */
export type Pending = { refuse(): void; commit(): Promise<void> };

export function requestScope({ work: begin, errors }: { work: () => Pending; errors: Errors }) {
  async function run(ctx: Context, next: Next, work: Pending): Promise<void> {
    try {
      await next();
      if (ctx.status >= 400 && isTransaction(ctx)) work.refuse();
    } catch (error) {
      work.refuse();
      errors.fail(ctx, error);
    }
  }

  return async function scoped(ctx: Context, next: Next): Promise<void> {
    const work = begin();
    ctx.state['work'] = work;
    await run(ctx, next, work);
    // After a fault nothing is known to be right, so nothing is kept.
    if (ctx.status >= 500) return;
    try {
      await work.commit();
    } catch (error) {
      // A Refusal here is a lost race: what it keeps is committed already.
      if (!(error instanceof Refusal)) work.refuse();
      errors.fail(ctx, error);
    }
  };
}
