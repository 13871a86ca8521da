// What every absolute URI in Cardea's hands must satisfy before anyone asks what it is for.

import { isLoopback } from './loopback.ts';

/** Longer ones are refused: no honest client has such a thing, and they end up in pages and logs. */
export const LONGEST_URI = 2048;

/** RFC 3986 §2: a URI is printable ASCII; a host in another script is written in punycode, where it can be seen. */
const URI_CHARACTERS = /^[\x21-\x7e]+$/;

/** What is wrong with `uri` as text, or undefined. Reads as the rest of a sentence: "is longer than …". */
export function textProblem(uri: string): string | undefined {
  if (uri === '') return 'is empty';
  if (uri.length > LONGEST_URI) return `is longer than ${LONGEST_URI} characters`;
  if (!URI_CHARACTERS.test(uri)) return 'holds a space, a control character or a letter that is not ASCII';
  // Browsers read a backslash as a slash, other parsers do not: the two would disagree about the host.
  if (/[\\<>"`{}|^]/.test(uri)) return 'holds a character that no URI has';
  if (/%(?![0-9a-f]{2})/i.test(uri)) return 'holds a % that encodes nothing';
  return undefined;
}

/** Scheme, authority and path as written; undefined when there is no `scheme://`. */
export function partsOf(
  uri: string,
): { scheme: string; authority: string; path: string; query: string } | undefined {
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?/i.exec(uri);
  if (!match) return undefined;
  const [, scheme = '', authority = '', path = '', query = ''] = match;
  return { scheme: scheme.toLowerCase(), authority, path, query };
}

/** What is wrong with `uri` as an absolute http(s) address without a fragment, or undefined. */
export function webAddressProblem(uri: string): string | undefined {
  const text = textProblem(uri);
  if (text) return text;
  const parts = partsOf(uri);
  if (!parts || !URL.canParse(uri)) return 'is not an absolute URI';
  const { scheme, authority, path } = parts;
  if (scheme !== 'https' && scheme !== 'http')
    return `has the scheme ${scheme}:, which is neither https: nor http:`;
  if (uri.includes('#')) return 'has a fragment';
  if (authority.includes('@')) return 'holds a user name or password';
  const { hostname } = new URL(uri);
  // `2130706433` and `0x7f.1` are 127.0.0.1 for a browser; only the plain spelling is taken.
  if (authority.replace(/:\d*$/, '').toLowerCase() !== hostname)
    return `spells its host oddly; it means ${hostname}`;
  if (hostname.endsWith('.')) return 'has a host that ends with a dot';
  if (/(^|\/)(\.|%2e){1,2}(\/|$)/i.test(path)) return 'has a . or .. in its path';
  if (scheme === 'http' && !isLoopback(hostname))
    return 'must use https; http is for 127.0.0.1, [::1] and localhost';
  return undefined;
}
