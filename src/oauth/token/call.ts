// What one request to the token endpoint is, once it has been read and its caller is known: what every grant type
// is given, and what it answers. The endpoint makes it; the grant types (grants/) are the only readers.

import type { Resource } from '../../domain/resources.ts';
import type { Metadata } from '../registration.ts';
import type { OAuthRequest } from '../request.ts';

export type AuthenticationMethod = 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';

/** A client that has proven itself, as far as its method goes. */
export type ClientCaller = {
  kind: 'client';
  id: string;
  method: AuthenticationMethod;
  /** RFC 7591 members, never with the secret. */
  metadata: Metadata;
  origin: 'declared' | 'added' | 'registered' | 'document';
};

/** An MCP server, which is registered with its resource. */
export type ServerCaller = { kind: 'server'; id: string; resource: Resource };

/** Who authenticated at an endpoint. */
export type Caller = ClientCaller | ServerCaller;

export type TokenCall = {
  /** Every parameter once: duplicates were refused (RFC 6749 §3.2). `resource` is apart, for it may be repeated. */
  fields: Readonly<Record<string, string>>;
  /** RFC 8707 §2.2: as the registry writes them where it knows them, else as they were sent. */
  resources: readonly string[];
  caller: Caller;
  request: OAuthRequest;
  /** The thumbprint of the key of a verified proof (RFC 9449 §5). */
  dpop?: { jkt: string };
};

/** The JSON body of a 200 (RFC 6749 §5.1). */
export type TokenAnswer = Record<string, unknown>;

/** Throws a Refusal with the OAuth error of RFC 6749 §5.2 that makes the client recover. */
export type GrantType = (call: TokenCall) => Promise<TokenAnswer>;
