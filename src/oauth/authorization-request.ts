// Kindness to honest clients at the authorization endpoint and where requests are pushed to it: what they write
// differently but mean the same. Nothing here loosens a check; whatever is not understood goes on as it came.

import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Resources } from '../domain/resources.ts';

export type Fields = Record<string, string | string[] | undefined>;

// OpenID Connect parameters that the engine refuses without `openid`, and that plain OAuth clients send all the same.
const OPENID_ONLY = ['nonce', 'acr_values', 'claims', 'claims_locales', 'id_token_hint'];

// OpenID Connect Core §3.1.2.1. The consent page names the account and offers another, so it is where one is selected.
const PROMPTS: Record<string, string> = {
  none: 'none',
  login: 'login',
  consent: 'consent',
  select_account: 'consent',
};

/** What a client may say in `prompt`. */
export const PROMPT_VALUES = Object.keys(PROMPTS);

const LONGEST_HINT = 256;

/** Carries `max_age` past the engine, which would refuse it from a client that does not speak OpenID Connect. */
export const MAX_AGE = 'cardea_max_age';

const words = (value: unknown): string[] =>
  typeof value === 'string' ? value.split(' ').filter((word) => word !== '') : [];

/** A resource is written as its operator wrote it, however the client did (RFC 8707 §2), and once. */
export function straightResource(fields: Fields, resources: Resources): void {
  const given = fields['resource'];
  const list = [...new Set([given ?? []].flat().map((uri) => resources.find(uri)?.uri ?? uri))];
  const resource = list.length === 1 ? list[0] : list;
  if (list.length === 0 || resource === '') delete fields['resource'];
  else fields['resource'] = resource;
}

/** The parameters of an authorization request, as they are meant. */
export function straightRequest(given: Fields, resources: Resources): Fields {
  const fields: Fields = { ...given };
  straightResource(fields, resources);
  if (typeof fields['scope'] === 'string') {
    fields['scope'] = words(fields['scope']).join(' ');
    if (fields['scope'] === '') delete fields['scope'];
  }
  delete fields[MAX_AGE]; // ours alone
  if (!words(fields['scope']).includes('openid')) {
    for (const name of OPENID_ONLY) delete fields[name];
    if (fields['max_age'] !== undefined) fields[MAX_AGE] = fields['max_age'];
    delete fields['max_age'];
  }
  if (typeof fields['prompt'] === 'string') {
    const known = new Set(words(fields['prompt']).flatMap((word) => PROMPTS[word] ?? []));
    if (known.size > 0) fields['prompt'] = [...known].join(' ');
    else delete fields['prompt'];
  }
  if (typeof fields['login_hint'] === 'string' && fields['login_hint'].length > LONGEST_HINT) {
    delete fields['login_hint']; // a hint is no demand, and this one is no name
  }
  // Only `query` is offered: a fragment or a posted form would hand the code to whatever runs in the page.
  // An unknown mode is refused in the query; a known one would be refused in that mode.
  if (fields['response_mode'] !== undefined && fields['response_mode'] !== 'query') {
    fields['response_mode'] = 'not-offered';
  }
  return fields;
}

/**
 * `max_age` of a client that did not ask for `openid`: the last sign-in must be no older (RFC 9470 §4). Throws
 * invalid_request for what is no number of seconds.
 */
export function honourMaxAge(ctx: KoaContextWithOIDC, value: unknown): void {
  const { params, prompts } = ctx.oidc;
  if (value === undefined || !params) return;
  if (typeof value !== 'string' || !/^\d{1,10}$/.test(value)) {
    throw new errors.InvalidRequest('invalid max_age parameter value');
  }
  if (Number(value) > 0) params['max_age'] = value;
  else if (!prompts.has('login')) {
    // OpenID Connect Core §3.1.2.1: 0 is the same as prompt=login
    params['prompt'] = [...prompts, 'login'].join(' ');
    prompts.add('login');
  }
}

/** `dpop_jkt` (RFC 9449 §10), a SHA-256 thumbprint: the code carries it. Throws invalid_request for what is none. */
export function checkThumbprint(_ctx: KoaContextWithOIDC, value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== 'string' || !/^[\w-]{43}$/.test(value)) {
    throw new errors.InvalidRequest('dpop_jkt is not the thumbprint of a key');
  }
}
