// The resource indicator (RFC 8707): what may be one, and when two of them are the same resource.

import { partsOf, webAddressProblem } from './web-address.ts';

/** What is wrong with `uri` as a resource identifier, as the rest of a sentence; undefined when nothing is. */
// RFC 8707 §2: "Its value MUST be an absolute URI … The URI MUST NOT include a fragment component."
export const resourceUriProblem = (uri: string): string | undefined => webAddressProblem(uri);

const DEFAULT_PORT: Record<string, string> = { https: '443', http: '80' };

/**
 * The one spelling under which resources are compared: scheme and host in lower case, the default port dropped,
 * and the single slash of a bare origin dropped. Nothing else is touched: `/mcp` and `/mcp/` are two resources,
 * and so are two encodings of one path. What is not an http(s) URI comes back unchanged.
 */
export function canonicalResource(uri: string): string {
  const parts = partsOf(uri);
  if (!parts || !(parts.scheme in DEFAULT_PORT)) return uri;
  const { scheme, authority } = parts;
  const match = /^([^:@[\]]+|\[[0-9a-f:.]+\])(?::(\d+))?$/i.exec(authority);
  if (!match) return uri;
  const [, host = '', port] = match;
  const rest = uri.slice(`${scheme}://${authority}`.length);
  const origin = `${scheme}://${lowerAscii(host)}${port === undefined || port === DEFAULT_PORT[scheme] ? '' : `:${port}`}`;
  return rest === '/' ? origin : origin + rest;
}

// String.toLowerCase also folds letters such as the Kelvin sign into ASCII, which would join two hosts.
const lowerAscii = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
