// What the authorization server says about itself (RFC 8414), fetched when first needed and kept.
// A failed fetch is not repeated for a few seconds, so that a flood of requests does not become a flood outward.
import type { Settings } from './options.ts';
import { Refused, unavailable } from './refusal.ts';

export type IssuerMetadata = {
  jwksUri: URL;
  introspectionEndpoint: URL | undefined;
  tokenEndpoint: URL | undefined;
};

const keepFor = 3_600_000;
const retryAfter = 5_000;

/** A function that gives the issuer's metadata, or throws Refused (503) when it cannot be had. */
export function issuerMetadata(settings: Settings): () => Promise<IssuerMetadata> {
  const { now } = settings;
  let known: { metadata: IssuerMetadata; at: number } | undefined;
  let failed: { error: Refused; at: number } | undefined;
  let pending: Promise<IssuerMetadata> | undefined;

  async function load(): Promise<IssuerMetadata> {
    try {
      const metadata = await discover(settings);
      known = { metadata, at: now() };
      failed = undefined;
      return metadata;
    } catch (cause) {
      const error =
        cause instanceof Refused ? cause : unavailable('issuer_unreachable', String(cause), cause);
      failed = { error, at: now() };
      throw error;
    } finally {
      pending = undefined;
    }
  }

  return async () => {
    if (known && now() - known.at < keepFor) return known.metadata;
    if (failed && now() - failed.at < retryAfter) {
      if (known) return known.metadata;
      throw failed.error;
    }
    pending ??= load();
    // What was true an hour ago is better than no service while the authorization server restarts.
    return known ? pending.catch(() => (known as { metadata: IssuerMetadata }).metadata) : pending;
  };
}

async function discover({ issuer, fetch }: Settings): Promise<IssuerMetadata> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname === '/' ? '' : pathname.replace(/\/$/, '');
  // RFC 8414 §3.1 inserts before the path; OpenID Connect Discovery 1.0 §4 appends.
  const places = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
  const tried: string[] = [];
  for (const place of places) {
    const response = await fetch(place, {
      headers: { accept: 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(5_000),
    });
    if (response.status === 200)
      return read(issuer, place, (await response.json()) as Record<string, unknown>);
    await response.body?.cancel();
    tried.push(`${place} answered ${response.status}`);
  }
  throw unavailable('issuer_unreachable', tried.join('; '));
}

function read(issuer: string, place: string, document: Record<string, unknown>): IssuerMetadata {
  // RFC 8414 §3.3: the issuer MUST be identical, or the document MUST NOT be used.
  if (document.issuer !== issuer) {
    throw unavailable(
      'issuer_mismatch',
      `${place} says it is "${document.issuer}", configured is "${issuer}"`,
    );
  }
  const endpoint = (name: string): URL | undefined => {
    const value = document[name];
    if (value === undefined) return undefined;
    const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
    // Keys and our own secret travel there: never over a weaker transport than the issuer's own.
    if (!url || (url.protocol !== 'https:' && url.protocol !== new URL(issuer).protocol)) {
      throw unavailable('issuer_metadata_invalid', `${place} has no usable ${name}`);
    }
    return url;
  };
  const jwksUri = endpoint('jwks_uri');
  if (!jwksUri) throw unavailable('issuer_metadata_invalid', `${place} has no jwks_uri`);
  return {
    jwksUri,
    introspectionEndpoint: endpoint('introspection_endpoint'),
    tokenEndpoint: endpoint('token_endpoint'),
  };
}
