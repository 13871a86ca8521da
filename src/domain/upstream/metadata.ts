// The metadata of an OpenID provider (Discovery 1.0): fetched, believed only where it may be, kept for an hour.

import * as oauth from 'oauth4webapi';
import type { Clock } from '../../clock.ts';
import { isLoopback } from '../../config/loopback.ts';
import type { OAuthUpstream } from '../../config.ts';
import type { Door } from './door.ts';
import { misbehaved, trouble } from './trouble.ts';

const FRESH = 3_600_000;
const RETRY_AFTER = 30_000;

const REQUIRED = ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const;
const ENDPOINTS = [
  ...REQUIRED,
  'userinfo_endpoint',
  'revocation_endpoint',
  'pushed_authorization_request_endpoint',
] as const;

/** What is wrong with what `metadata` says of itself, in words; undefined when it may be believed. */
export function metadataProblem(
  metadata: oauth.AuthorizationServer,
  { issuer, endpointHosts }: Pick<OAuthUpstream, 'issuer' | 'endpointHosts'>,
): string | undefined {
  // Discovery §4.3: "MUST exactly match the issuer": to the byte, where the library compares parsed addresses.
  if (metadata.issuer !== issuer) return `it calls itself ${quoted(metadata.issuer)}, not ${quoted(issuer)}`;
  for (const name of ENDPOINTS) {
    const value: unknown = metadata[name];
    if (value === undefined && !(REQUIRED as readonly string[]).includes(name)) continue;
    const problem = endpointProblem(value, issuer, endpointHosts);
    if (problem) return `its ${name} ${problem}`;
  }
  return undefined;
}

function endpointProblem(value: unknown, issuer: string, hosts: readonly string[]): string | undefined {
  if (value === undefined) return 'is missing';
  if (typeof value !== 'string' || !URL.canParse(value)) return 'is not an address';
  const [{ protocol, host, username, password }, home] = [new URL(value), new URL(issuer)];
  const local = home.protocol === 'http:' && isLoopback(home.hostname);
  if (protocol !== 'https:' && !(local && protocol === 'http:')) return 'does not use https';
  if (username || password) return 'holds a user name or password';
  // Whoever can write the metadata could otherwise have our secret and the person's code sent anywhere.
  if (host !== home.host && !hosts.includes(host)) return `is on another host, ${quoted(host)}`;
  return undefined;
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 200));

export function metadata({
  declaration,
  door,
  clock,
}: {
  declaration: OAuthUpstream;
  door: Door;
  clock: Clock;
}) {
  let kept: { metadata: oauth.AuthorizationServer; at: number } | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<oauth.AuthorizationServer> | undefined;

  async function ask(): Promise<oauth.AuthorizationServer> {
    triedAt = clock();
    try {
      const issuer = new URL(declaration.issuer);
      const response = await oauth.discoveryRequest(issuer, {
        [oauth.customFetch]: door,
        [oauth.allowInsecureRequests]: true, // the door and the check below decide
      });
      const found = await oauth.processDiscoveryResponse(issuer, response);
      const problem = metadataProblem(found, declaration);
      if (problem) throw misbehaved(declaration, problem);
      kept = { metadata: found, at: clock() };
      return found;
    } catch (error) {
      const refusal = trouble(declaration, error);
      // Old metadata that was true is better than none; a lie is not covered up by it.
      if (kept && refusal.reason === 'upstream_unavailable') return kept.metadata;
      kept = undefined;
      throw refusal;
    }
  }

  return {
    /** Throws a Refusal when it cannot be had or must not be believed. */
    async get(): Promise<oauth.AuthorizationServer> {
      const now = clock();
      if (kept && (now - kept.at < FRESH || now - triedAt < RETRY_AFTER)) return kept.metadata;
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    /** What was last believed, without asking. */
    known: (): oauth.AuthorizationServer | undefined => kept?.metadata,
  };
}
