// What kind of client registers: all installations of one product are one kind, whatever port each listens on.
// Registrations are limited by kind, because a hosted product registers for all of its users from few addresses.

import { isLoopback } from '../../config/loopback.ts';
import { digest } from '../../crypto.ts';

function withoutPort(uri: string): string {
  const url = URL.parse(uri);
  if (!url || !isLoopback(url.hostname)) return uri;
  url.port = ''; // RFC 8252 §7.3: any port, chosen when the client runs
  return url.href;
}

/** The digest of what one product's registrations have in common: name, where codes go, how it authenticates. */
export function kindOf(metadata: Record<string, unknown>): string {
  const uris = (metadata['redirect_uris'] as string[]).map(withoutPort);
  const { client_name: name, client_uri: uri, token_endpoint_auth_method: method } = metadata;
  return digest('kind of client', JSON.stringify([name, uri, method, [...new Set(uris)].toSorted()]));
}
