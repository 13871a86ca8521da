// What everybody asks for and nobody changes: metadata and keys, made into bytes once, with every header they need.

import { CORS_HEADERS } from './cors.ts';

export type Document = { body: Buffer; headers: Record<string, string> };

const METADATA = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'];

function document(value: unknown, type: string): Document {
  const body = Buffer.from(JSON.stringify(value));
  return {
    body,
    headers: {
      ...CORS_HEADERS,
      'Cache-Control': 'public, max-age=300',
      'Content-Type': type,
      'Content-Length': String(body.length),
      'X-Content-Type-Options': 'nosniff',
    },
  };
}

/**
 * By path. RFC 8414 §3.1 puts the well-known part before the issuer's own path, OpenID Connect Discovery after it;
 * both are answered for both.
 */
export function publishedDocuments(
  base: string,
  metadata: unknown,
  keys: unknown,
): ReadonlyMap<string, Document> {
  const described = document(metadata, 'application/json; charset=utf-8');
  return new Map([
    [`${base}/jwks`, document(keys, 'application/jwk-set+json; charset=utf-8')],
    ...METADATA.flatMap((path) => [
      [`${path}${base}`, described] as const,
      [`${base}${path}`, described] as const,
    ]),
  ]);
}
