// Kindness to honest clients, before oidc-provider judges them: what they write differently but mean the same.
// Nothing here loosens a check; whatever is not understood goes on as it came and is refused there.

import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import type { Resources } from '../domain/resources.ts';
import { playBack, readBody } from './body.ts';
import { acceptedMetadata, type Metadata } from './registration.ts';

type Fields = Record<string, string | string[] | undefined>;

const PROMPTS = ['none', 'login', 'consent'];

// OpenID Connect parameters that the engine refuses without `openid`, and that plain OAuth clients send all the same.
const OPENID_ONLY = ['nonce', 'max_age', 'acr_values', 'claims', 'claims_locales', 'id_token_hint'];

const words = (value: unknown): string[] =>
  typeof value === 'string' ? value.split(' ').filter((word) => word !== '') : [];

export function straighten({ resources, schemes }: { resources: Resources; schemes: readonly string[] }) {
  /** A resource is written as its operator wrote it, however the client did (RFC 8707; PROTOCOL of the MCP SDKs). */
  function named(value: string | string[] | undefined): string | string[] | undefined {
    if (value === undefined) return undefined;
    const list = [...new Set([value].flat().map((uri) => resources.find(uri)?.uri ?? uri))];
    return list.length === 1 ? list[0] : list;
  }

  function replaceResource(fields: Fields): void {
    const resource = named(fields['resource']);
    if (resource === undefined || resource === '') delete fields['resource'];
    else fields['resource'] = resource;
  }

  return {
    authorization(ctx: Context): void {
      const query: Fields = { ...ctx.query };
      replaceResource(query);
      if (typeof query['scope'] === 'string') {
        query['scope'] = words(query['scope']).join(' ');
        if (query['scope'] === '') delete query['scope'];
      }
      if (!words(query['scope']).includes('openid')) for (const name of OPENID_ONLY) delete query[name];
      if (typeof query['prompt'] === 'string') {
        const known = words(query['prompt']).filter((word) => PROMPTS.includes(word));
        if (known.length > 0) query['prompt'] = known.join(' ');
        else delete query['prompt'];
      }
      // Only `query` is offered: a fragment or a posted form would hand the code to whatever runs in the page.
      // An unknown mode is refused in the query; a known one would be refused in that mode.
      if (query['response_mode'] !== undefined && query['response_mode'] !== 'query') {
        query['response_mode'] = 'not-offered';
      }
      ctx.query = query as typeof ctx.query;
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
