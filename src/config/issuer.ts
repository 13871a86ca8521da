import { webAddressProblem } from './web-address.ts';

/**
 * What is wrong with `uri` as the issuer, as the rest of a sentence; undefined when nothing is.
 * Clients compare it byte for byte (RFC 8414 §3.3), so there is one spelling and no normalising.
 */
export function issuerProblem(uri: string): string | undefined {
  const problem = webAddressProblem(uri);
  if (problem) return problem;
  // RFC 8414 §2: "a URL that uses the "https" scheme and has no query or fragment components".
  if (uri.includes('?')) return 'has a query';
  if (uri.endsWith('/')) return 'ends with a slash; clients compare it to the byte, so leave the slash out';
  const { origin } = new URL(uri);
  if (uri !== origin && !uri.startsWith(`${origin}/`)) return `must spell its origin ${origin}`;
  if (/\/\/|%/.test(uri.slice(origin.length))) return 'has an empty or encoded segment in its path';
  return undefined;
}
