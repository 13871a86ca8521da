// What an operator declares, as the rooms are given it. What was written down, and what may be, is read in resources.ts
// and clients.ts; upstreams are in upstreams.ts.

import type { ClientGrantType } from './client-grants.ts';
import type { ClientKeys } from './client-keys.ts';
import type { Secret } from './secret.ts';

export type SigningAlgorithm = 'ES256' | 'RS256' | 'EdDSA';
export type TokenFormat = 'jwt' | 'opaque';
export type ToolEffect = 'read' | 'write' | 'destroy';

export type ToolDeclaration = { name: string; description: string; effect: ToolEffect };

export type ScopeDeclaration = {
  name: string;
  description: string;
  /** Part of what is granted when a client names no scope. */
  default: boolean;
  tools: ToolDeclaration[];
};

export type ResourceDeclaration = {
  /** As the operator wrote it: the `aud` of its tokens, to the byte. */
  uri: string;
  name: string;
  format: TokenFormat;
  algorithm: SigningAlgorithm;
  /** Seconds that an access token for it lives. */
  lifetime: number;
  /** What the MCP server authenticates with: a secret, or keys of its own (private_key_jwt). */
  server?: { id: string; secret?: Secret; jwks?: ClientKeys; jwksUri?: string };
  scopes: ScopeDeclaration[];
  /** Upstreams whose credentials its server may ask for, in the name of a person who allows it. */
  upstreams?: UpstreamUse[];
};

export type UpstreamUse = {
  name: string;
  /** What for, after "to …", in words for the person. */
  purpose: string;
  /** All that it may get; what the upstream's vault asks for, where it is empty. */
  scopes: string[];
  /** A token that can do more than `scopes` may be given where the upstream has no smaller one. */
  wholeToken: boolean;
};

export type ClientAuthentication = 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';

/** A resource that a client may ever get a token for, and the scopes of it that may ever be in one. */
export type CeilingDeclaration = { resource: string; scopes: string[] };

export type ClientDeclaration = {
  id: string;
  name: string;
  /** Empty for a client that sends nobody to a page. */
  redirectUris: string[];
  secret?: Secret;
  /** Absent: by its keys if it has any, by its secret (basic) if it has one, else a public client. */
  authentication?: ClientAuthentication;
  /** Public keys that it signs its assertions with, or the https address where they are. */
  jwks?: ClientKeys;
  jwksUri?: string;
  /** Its web page. */
  uri?: string;
  /** Absent: authorization_code and refresh_token. */
  grantTypes?: ClientGrantType[];
  /** Absent: whatever a person allows; and for client_credentials, where no person is asked, nothing. */
  ceiling?: CeilingDeclaration[];
  /** Its tokens are bound to a key of its own (RFC 9449 §5.2). */
  dpopBound?: boolean;
};
