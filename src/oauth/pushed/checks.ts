// What of an authorization request can be seen to be wrong when it is pushed (RFC 9126 §2.1), so that its client hears
// of it and no person does. The engine judges it again at the authorization endpoint; nothing rests on these alone.

import { Refusal } from '../../errors.ts';
import type { Fields } from '../authorization-request.ts';
import type { Metadata } from '../registration.ts';
import { type ResourceIndicators, targetRefusal } from '../resources.ts';

const refuse = (oauth: string, message: string): never => {
  throw new Refusal(message, { reason: 'pushed_request_refused', oauth });
};

// A SHA-256 digest: a challenge of S256 (RFC 7636 §4.2), the thumbprint of a key (RFC 9449 §10)
const DIGEST = /^[\w-]{43}$/;

/** Parameters that are one value each, and what is wrong with them. Throws a Refusal. */
export function checkParameters(fields: Fields): void {
  // RFC 9126 §2.1: "The request_uri authorization request parameter is one exception, and it MUST NOT be provided."
  if (fields['request_uri'] !== undefined)
    refuse('request_uri_not_supported', 'A pushed request holds no request_uri.');
  if (fields['request'] !== undefined)
    refuse('request_not_supported', 'Requests as signed objects are not taken.');
  if (fields['response_type'] === undefined) refuse('invalid_request', 'response_type is missing.');
  if (fields['response_type'] !== 'code') refuse('unsupported_response_type', 'response_type must be code.');
  if (fields['response_mode'] !== undefined && fields['response_mode'] !== 'query')
    refuse('unsupported_response_mode', 'response_mode must be query.');
  // OAuth 2.1 §4.1.1
  if (fields['code_challenge_method'] !== 'S256' || !DIGEST.test(String(fields['code_challenge'])))
    refuse('invalid_request', 'code_challenge is needed, with code_challenge_method S256.');
  if (fields['dpop_jkt'] !== undefined && !DIGEST.test(String(fields['dpop_jkt'])))
    refuse('invalid_request', 'dpop_jkt is not the thumbprint of a key.');
  for (const age of [fields['max_age'], fields['cardea_max_age']]) {
    if (age !== undefined && !/^\d{1,10}$/.test(String(age)))
      refuse('invalid_request', 'max_age is no number of seconds.');
  }
}

/** Resources and scopes that this client may ask for (RFC 8707 §2). Throws a Refusal invalid_target. */
export function checkTarget(fields: Fields, client: Metadata, indicators: ResourceIndicators): void {
  const named = [fields['resource'] ?? []].flat();
  try {
    const resources = named.length > 0 ? named : [indicators.default(undefined)];
    for (const uri of resources) indicators.info(uri, client);
    indicators.scopeOrDefault([], resources, client);
  } catch (cause) {
    throw targetRefusal(cause);
  }
}
