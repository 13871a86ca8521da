// What is wrong between the members of one declared client that are each right by themselves.

import { DEVICE_CODE } from './client-grants.ts';
import type { Reading } from './declared.ts';
import { type Path, pathName } from './problems.ts';
import { canonicalResource } from './resource-uri.ts';

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

// Reads the raw file: a client with another fault still has these reported.
export function reportClientContradictions(path: Path, { sources, problems }: Reading): void {
  const at = (name: string): unknown => sources.at([...path, name]);
  const has = (name: string): boolean => at(name) !== undefined;
  const report = (names: readonly (string | number)[], problem: string, hint?: string): void => {
    const full = [...path, ...names];
    problems.push({ setting: pathName(full), source: sources.where(full), problem, ...(hint && { hint }) });
  };

  const grants = has('grant_types') ? list(at('grant_types')) : ['authorization_code', 'refresh_token'];
  const asksPeople = grants.includes('authorization_code') || grants.includes(DEVICE_CODE);
  if (grants.includes('authorization_code') && !has('redirect_uris')) report(['redirect_uris'], 'is missing');
  if (grants.includes('refresh_token') && !asksPeople)
    report(['grant_types'], 'has refresh_token, but nothing that a refresh token comes with');

  const secret = has('secret') || has('secret_file');
  const keys = has('jwks') || has('jwks_uri');
  const method = at('authentication') ?? (keys ? 'private_key_jwt' : secret ? 'client_secret_basic' : 'none');
  const bySecret = String(method).startsWith('client_secret_');
  // RFC 7591 §2: "The 'jwks_uri' and 'jwks' parameters MUST NOT both be present in the same request or response."
  if (has('jwks') && has('jwks_uri')) report(['jwks_uri'], 'is set, and so is jwks; keep one');
  if (bySecret && !secret) report(['secret'], `is missing, and authentication is ${method}`);
  if (method === 'private_key_jwt' && !keys)
    report(['jwks'], 'is missing, and authentication is private_key_jwt', 'Give jwks or jwks_uri.');
  if (secret && !bySecret) report(['secret'], `has no use where authentication is ${method}`);
  if (keys && method !== 'private_key_jwt')
    report([has('jwks') ? 'jwks' : 'jwks_uri'], `has no use where authentication is ${method}`);

  if (grants.includes('client_credentials')) {
    // RFC 6749 §4.4: "The client credentials grant type MUST only be used by confidential clients."
    if (method === 'none')
      report(['grant_types'], 'has client_credentials, and the client proves itself by nothing');
    if (!has('resources')) report(['resources'], 'is missing, and client_credentials gets nothing else');
  }

  const seen = new Map<string, number>();
  for (const [index, each] of list(at('resources')).entries()) {
    const uri = (each as { uri?: unknown } | null)?.uri;
    if (typeof uri !== 'string') continue;
    const before = seen.get(canonicalResource(uri));
    if (before === undefined) seen.set(canonicalResource(uri), index);
    else report(['resources', index, 'uri'], `is the same as that of resources[${before}]`);
  }
}
