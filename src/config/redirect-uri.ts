// Which redirect URIs Cardea will ever send a person to, whoever registers them: the file, DCR or a metadata document.

import ipaddr from 'ipaddr.js';
import { isLoopback } from './loopback.ts';
import { textProblem, webAddressProblem } from './web-address.ts';

/** A browser or the operating system acts on these by itself; no list can allow them. */
const NEVER = new Set(
  `about blob chrome chrome-extension content data facetime file filesystem ftp ftps geo git gopher help intent
  irc itms-apps jar javascript livescript ldap mailto market mhtml mk moz-extension ms-appinstaller ms-msdt
  ms-settings news nntp resource rtsp search search-ms shell sip sms smb ssh steam tel telnet urn vbscript
  view-source wais webcal ws wss wyciwyg x-apple.systempreferences xmpp`.split(/\s+/),
);

/** The private-use schemes of known MCP clients; the configuration may name others instead. */
export const KNOWN_CLIENT_SCHEMES: readonly string[] = [
  'cursor',
  'vscode',
  'vscode-insiders',
  'vscodium',
  'windsurf',
  'claude',
  'zed',
  'goose',
  'raycast',
  'warp',
  'lmstudio',
];

/** What is wrong with `scheme` (without its colon) as a private-use scheme, or undefined. */
export function schemeProblem(scheme: string): string | undefined {
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) return 'is not a URI scheme in lower case without its colon';
  if (scheme === 'http' || scheme === 'https') return 'is not a private-use scheme';
  if (NEVER.has(scheme) || scheme.startsWith('ms-')) return 'is a scheme that can never be redirected to';
  return undefined;
}

/** RFC 8252 §7.1: "apps MUST use a URI scheme based on a domain name under their control, expressed in reverse order". */
const isReverseDomain = (scheme: string): boolean => /^[a-z][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+$/.test(scheme);

/**
 * What is wrong with `uri` as a redirect URI, as the rest of a sentence ("has a fragment"); undefined when nothing is.
 * Allowed: https, http on loopback (RFC 8252 §7.3), a reverse-domain scheme, and the private-use `schemes` listed.
 */
export function redirectUriProblem(uri: string, schemes: readonly string[]): string | undefined {
  const text = textProblem(uri);
  if (text) return text;
  // RFC 6749 §3.1.2: "The endpoint URI MUST NOT include a fragment component", not even an empty one.
  if (uri.includes('#')) return 'has a fragment';
  // RFC 9700 §2.1: redirect URIs are compared as strings; a pattern would be a promise that is not kept.
  if (uri.includes('*')) return 'holds a *, and redirect URIs are compared letter by letter';
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) return 'is not an absolute URI';
  return scheme === 'https' || scheme === 'http' ? webProblem(uri) : privateUseProblem(uri, scheme, schemes);
}

function webProblem(uri: string): string | undefined {
  const problem = webAddressProblem(uri);
  if (problem) return problem;
  const { hostname } = new URL(uri);
  const address = hostname.replace(/^\[|\]$/g, '');
  if (ipaddr.isValid(address) && !isLoopback(hostname) && ipaddr.process(address).range() !== 'unicast') {
    return `has the host ${hostname}, an address that is not public`;
  }
  return undefined;
}

function privateUseProblem(uri: string, scheme: string, schemes: readonly string[]): string | undefined {
  const problem = schemeProblem(scheme);
  if (problem) return `has the scheme ${scheme}:, which ${problem}`;
  if (!schemes.includes(scheme) && !isReverseDomain(scheme)) {
    return `has the scheme ${scheme}:, which is neither in registration.private_use_schemes nor a reversed domain name`;
  }
  // RFC 8252 §7.1 has a single slash; several real apps write two, so both are taken.
  if (!/^[^:]+:\/\/?[^/]/.test(uri)) return 'names no place after its scheme';
  if (/^[^:]+:\/\/[^/?]*@/.test(uri)) return 'holds a user name or password';
  if (/\/(\.|%2e){1,2}(\/|\?|$)/i.test(uri)) return 'has a . or .. in its path';
  return URL.canParse(uri) ? undefined : 'is not an absolute URI';
}
