// Kindness to honest clients, before oidc-provider judges them: what they write differently but mean the same.
// Nothing here loosens a check; whatever is not understood goes on as it came and is refused there.

import type { Context } from 'koa';
import type { Resources } from '../domain/resources.ts';
import { type Fields, straightRequest } from './authorization-request.ts';
import { formBody, parseForm, playBack, readBody } from './body.ts';
import { request } from './request.ts';

export function straighten({ resources }: { resources: Resources }) {
  return {
    authorization(ctx: Context): void {
      ctx.query = straightRequest({ ...ctx.query }, resources) as typeof ctx.query;
    },

    /** A request that is pushed (RFC 9126 §2.1): the same parameters, in a form. */
    async pushed(ctx: Context): Promise<void> {
      if (!ctx.is('application/x-www-form-urlencoded')) return;
      const fields: Fields = parseForm(await readBody(ctx.req));
      request().asserts = fields['client_assertion'] !== undefined;
      playBack(ctx.req, formBody(straightRequest(fields, resources)));
    },
  };
}
