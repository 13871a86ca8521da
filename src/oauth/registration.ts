// What we accept when a client describes itself, by dynamic registration (RFC 7591) or by a metadata document.
// Kind to what real clients send, strict about where a code may go. Asked at registration, at every change of it, and on every use.

import { errors } from 'oidc-provider';
import { DEVICE_CODE } from '../config/client-grants.ts';
import { clientKeys } from '../config/client-keys.ts';
import { isLoopback } from '../config/loopback.ts';
import { redirectUriProblem } from '../config/redirect-uri.ts';

export type Metadata = Record<string, unknown>;

const GRANT_TYPES = ['authorization_code', 'refresh_token'];
export const SECRET_METHODS = ['client_secret_basic', 'client_secret_post'];
const PUBLIC_METHODS = ['none', 'private_key_jwt'];
const SIGNING_ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA'];
const WEB_MEMBERS = ['client_uri', 'logo_uri', 'tos_uri', 'policy_uri'];
const PLAIN_MEMBERS = ['software_id', 'software_version'];
const MOST_REDIRECTS = 20;
const LONGEST_NAME = 80;

/** What the operator lets clients say of themselves. */
export type Accepting = { schemes: readonly string[]; deviceCode: boolean };

export const accepting = (registration: {
  privateUseSchemes: readonly string[];
  deviceCode: boolean;
}): Accepting => ({ schemes: registration.privateUseSchemes, deviceCode: registration.deviceCode });

const wrong = (what: string) => new errors.InvalidClientMetadata(what);

const strings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

/** One line of visible text: no control, bidi, zero-width or unassigned characters, at most 80 of what is left. */
export function cleanName(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw wrong('client_name must be a string');
  const line = value.normalize('NFC').replace(/\p{C}/gu, ' ').replace(/\s+/g, ' ').trim();
  return [...line].slice(0, LONGEST_NAME).join('').trim() || undefined;
}

function redirectUris(value: unknown, schemes: readonly string[]): string[] {
  if (!strings(value) || value.length === 0) {
    throw new errors.InvalidRedirectUri('redirect_uris must be a list with at least one address');
  }
  if (value.length > MOST_REDIRECTS) {
    throw new errors.InvalidRedirectUri(`redirect_uris must have at most ${MOST_REDIRECTS} members`);
  }
  for (const uri of value) {
    const problem = redirectUriProblem(uri, schemes);
    if (problem) throw new errors.InvalidRedirectUri(`a redirect URI ${problem}`);
  }
  return [...new Set(value)];
}

// RFC 8252 §7: loopback and private-use redirects make a native app, whatever it calls itself; the engine then
// ignores the port of loopback redirects, which is what ephemeral ports need (§7.3).
export function applicationType(uris: readonly string[]): 'native' | 'web' {
  const native = uris.some((uri) => {
    const url = new URL(uri);
    return url.protocol !== 'https:' || isLoopback(url.hostname);
  });
  return native ? 'native' : 'web';
}

function grantTypes(value: unknown, deviceCode: boolean): string[] {
  // Absent: RFC 7591 §2 says authorization_code alone, but clients that leave it out expect to refresh as well.
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return [...GRANT_TYPES];
  if (!strings(value)) throw wrong('grant_types must be a list of strings');
  // What a client may not have is dropped and the rest echoed (RFC 7591 §2: the server may substitute).
  const possible = deviceCode ? [...GRANT_TYPES, DEVICE_CODE] : GRANT_TYPES;
  const kept = possible.filter((type) => value.includes(type));
  if (kept.length === 0) throw wrong(`grant_types must contain authorization_code`);
  return kept.includes('authorization_code') ? kept : ['authorization_code', ...kept];
}

function checkResponseTypes(value: unknown): void {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return;
  if (!strings(value)) throw wrong('response_types must be a list of strings');
  if (!value.includes('code')) throw wrong('response_types must contain code');
}

function webMember(name: string, value: unknown): string | undefined {
  if (typeof value !== 'string') throw wrong(`${name} must be a string`);
  if (URL.parse(value)?.protocol !== 'https:') throw wrong(`${name} must be an https address`);
  return value;
}

// The method of a document that offers a choice is what the client does now: with an assertion it proves itself, without
// one it is public. SEP-3149: the list is authoritative, the single member a preference, neither means none.
function documentMethod(given: Metadata, asserts: boolean): string {
  const offered = given['token_endpoint_auth_methods_supported'];
  const preferred = given['token_endpoint_auth_method'];
  const list = strings(offered) ? offered : [typeof preferred === 'string' ? preferred : 'none'];
  const possible = PUBLIC_METHODS.filter((method) => list.includes(method));
  const chosen = possible.find((method) => (method === 'private_key_jwt') === asserts) ?? possible[0];
  if (!chosen) throw wrong('the document offers no way to authenticate that this server has');
  return chosen;
}

function registeredMethod(given: Metadata): string {
  const method = given['token_endpoint_auth_method'] ?? 'client_secret_basic'; // RFC 7591 §2
  if (typeof method !== 'string' || ![...SECRET_METHODS, ...PUBLIC_METHODS].includes(method)) {
    throw wrong('token_endpoint_auth_method is not one that this server has');
  }
  return method;
}

// RFC 7523 §2.2: what a client that signs assertions must be known by.
function proof(given: Metadata): Metadata {
  const { jwks, jwks_uri: uri, token_endpoint_auth_signing_alg: algorithm } = given;
  // RFC 7591 §2: "The 'jwks_uri' and 'jwks' parameters MUST NOT both be present in the same request or response."
  if ((jwks === undefined) === (uri === undefined))
    throw wrong('private_key_jwt needs jwks or jwks_uri, and not both');
  if (algorithm !== undefined && !SIGNING_ALGORITHMS.includes(String(algorithm))) {
    throw wrong('token_endpoint_auth_signing_alg is not one that this server has');
  }
  const kept: Metadata =
    algorithm === undefined ? {} : { token_endpoint_auth_signing_alg: String(algorithm) };
  if (uri !== undefined) return { ...kept, jwks_uri: webMember('jwks_uri', uri) };
  const keys = clientKeys(jwks);
  if (typeof keys === 'string') throw wrong(`jwks ${keys}`);
  return { ...kept, jwks: keys };
}

/**
 * The RFC 7591 members that we keep of `given`; everything else is dropped, `null` and "" count as absent, and
 * `scope` is dropped too: what a client may have is asked of a person, each time.
 * Throws invalid_redirect_uri or invalid_client_metadata (RFC 7591 §3.2.2).
 */
export function acceptedMetadata(
  raw: Metadata,
  { schemes, deviceCode, document }: Accepting & { document?: { host: string; asserts: boolean } },
): Metadata {
  const given = Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== null && value !== ''));
  if (document && ('client_secret' in given || 'client_secret_expires_at' in given)) {
    throw wrong('a metadata document must not contain a client_secret'); // CIMD §4.1
  }
  checkResponseTypes(given['response_types']);
  const uris = redirectUris(given['redirect_uris'], schemes);
  const method = document ? documentMethod(given, document.asserts) : registeredMethod(given);
  const name = cleanName(given['client_name']) ?? document?.host;
  const kept: Metadata = {
    redirect_uris: uris,
    application_type: applicationType(uris),
    grant_types: grantTypes(given['grant_types'], deviceCode),
    response_types: ['code'],
    token_endpoint_auth_method: method,
    ...(name === undefined ? {} : { client_name: name }),
  };
  for (const member of WEB_MEMBERS) {
    if (given[member] !== undefined) kept[member] = webMember(member, given[member]);
  }
  for (const member of PLAIN_MEMBERS) {
    const value = given[member];
    if (typeof value === 'string' && value.length <= 200) kept[member] = value;
  }
  if (given['dpop_bound_access_tokens'] === true) kept['dpop_bound_access_tokens'] = true; // RFC 9449 §5.2
  if (strings(given['contacts'])) {
    const contacts = given['contacts'].filter((each) => /^[^@\s]{1,64}@[^@\s]{1,255}$/.test(each));
    if (contacts.length > 0) kept['contacts'] = contacts.slice(0, 5);
  }
  if (method === 'private_key_jwt') Object.assign(kept, proof(given));
  return kept;
}
