// The protected resource metadata (RFC 9728): how a client that knows only this MCP server finds who issues its tokens.
import { proofAlgorithms } from './dpop.ts';
import type { Settings } from './options.ts';

/** Where the document lives and what it says, both made from the configured resource, never from `Host`. */
export function resourceMetadata({ resource, issuer, scopes, name, offersDpop, dpop }: Settings) {
  const { origin, pathname, search } = new URL(resource);
  // RFC 9728 §3.1: the well-known string goes between host and path; a bare "/" after the host is dropped.
  const path = `/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`;
  const document = {
    // RFC 9728 §3.3: the client compares `resource` with what it asked for, so it leaves as it was written.
    resource,
    authorization_servers: [issuer],
    scopes_supported: Object.keys(scopes),
    bearer_methods_supported: ['header'],
    ...(name === undefined ? {} : { resource_name: name }),
    ...(offersDpop ? { dpop_signing_alg_values_supported: proofAlgorithms } : {}),
    ...(dpop.required ? { dpop_bound_access_tokens_required: true } : {}),
  };
  return {
    path,
    url: origin + path + search,
    document,
    /** The answer to a request for `pathname`, or undefined when that is not where the document lives. */
    respond(method: string, requested: string): Response | undefined {
      if (requested !== path && requested !== `${path}/`) return undefined;
      // Browser clients read it from another origin; nothing in it is secret.
      const headers = { 'access-control-allow-origin': '*', 'cache-control': 'public, max-age=300' };
      if (method === 'OPTIONS') {
        const allowed = { 'access-control-allow-methods': 'GET', 'access-control-allow-headers': '*' };
        return new Response(null, { status: 204, headers: { ...headers, ...allowed } });
      }
      if (method !== 'GET' && method !== 'HEAD') {
        return new Response(null, { status: 405, headers: { ...headers, allow: 'GET, HEAD, OPTIONS' } });
      }
      const body = method === 'HEAD' ? null : JSON.stringify(document);
      return new Response(body, { headers: { ...headers, 'content-type': 'application/json' } });
    },
  };
}
