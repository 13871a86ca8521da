// One request, one commit: what a request writes is durable before its answer leaves, or the answer is another one.

import { Refusal } from '../errors.ts';
import type { HttpCall } from '../oauth/http-call.ts';
import { isTransaction } from './paths.ts';

/** The request's pending writes, as far as this room is concerned. */
export type Pending = { refuse(): void; commit(): Promise<void> };

export function requestScope<Call extends HttpCall>({
  work: begin,
  fail,
}: {
  work: () => Pending;
  /** Replaces whatever the answer was by what the error says. */
  fail: (call: Call, error: unknown) => void;
}) {
  async function run(ctx: Call, next: () => Promise<unknown>, work: Pending): Promise<void> {
    try {
      await next();
      if (ctx.status >= 400 && isTransaction(ctx)) work.refuse();
    } catch (error) {
      work.refuse();
      fail(ctx, error);
    }
  }

  return async function scoped(ctx: Call, next: () => Promise<unknown>): Promise<void> {
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
      fail(ctx, error);
    }
  };
}
