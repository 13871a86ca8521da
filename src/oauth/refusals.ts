// OAuth errors as JSON (RFC 6749 §5.2), where no person reads them.

import type { HttpCall } from './http-call.ts';

export function refuseInJson(
  ctx: HttpCall,
  status: number,
  error: string,
  description: string,
  members: Record<string, string> = {},
): void {
  ctx.status = status;
  ctx.set('Cache-Control', 'no-store');
  if (status === 413) ctx.set('Connection', 'close'); // what is left of the body is not waited for
  ctx.body = { error, error_description: description, ...members, trace_id: ctx.state['traceId'] };
}
