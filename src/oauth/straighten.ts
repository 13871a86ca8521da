// Kindness to honest clients, before oidc-provider judges them: what they write differently but mean the same.
// Nothing here loosens a check; whatever is not understood goes on as it came and is refused there.

import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import type { Resources } from '../domain/resources.ts';
import { type Fields, straightRequest } from './authorization-request.ts';
import { formBody, parseForm, playBack, readBody } from './body.ts';
import { acceptedMetadata, type Metadata } from './registration.ts';
import { request } from './request.ts';

export function straighten({ resources, schemes }: { resources: Resources; schemes: readonly string[] }) {
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

    /** A registration, reduced to what we accept; refused in RFC 7591's words. */
    async registration(ctx: Context): Promise<void> {
      if (!ctx.is('application/json')) return;
      const body = await readBody(ctx.req);
      let given: unknown;
      try {
        given = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
      } catch (cause) {
        throw new errors.InvalidClientMetadata('the request body is not JSON', { cause } as never);
      }
      if (typeof given !== 'object' || given === null || Array.isArray(given)) {
        throw new errors.InvalidClientMetadata('the request body is not a JSON object');
      }
      playBack(ctx.req, Buffer.from(JSON.stringify(acceptedMetadata(given as Metadata, { schemes }))));
    },
  };
}
