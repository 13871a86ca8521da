// What every upstream can be asked to do, in words that are the same for all of them.
// A connector speaks one provider's protocol; it stores nothing, and knows no account, session or page.
// Made by domain/upstream.ts; called by sign-in and by the vault.

export type UpstreamKind = 'oidc' | 'google' | 'entra' | 'okta' | 'github';

/** Who signed in. `issuer` and `subject` together are the key; nothing else of it identifies anybody. */
export type UpstreamPerson = {
  issuer: string;
  subject: string;
  name?: string;
  username?: string;
  email?: string;
  emailVerified?: boolean;
  /** The domain that the upstream vouches for, in lower case: Google's `hd`; elsewhere that of a verified address. */
  domain?: string;
  groups: string[];
  /** There are more groups than the upstream told. */
  groupsIncomplete?: boolean;
};

export type UpstreamTokens = {
  accessToken: string;
  refreshToken?: string;
  /** Ms since the epoch; null where the upstream does not say. */
  expiresAt: number | null;
  scopes: string[];
  /** RFC 6749 §7.1. */
  tokenType: string;
};

/** What one trip to the upstream is recognised by when it comes back. */
export type Transaction = {
  state: string;
  nonce: string;
  codeVerifier: string;
  redirectUri: string;
  /** What was asked for: what is granted where the answer does not say (RFC 6749 §5.1). */
  scopes: readonly string[];
};

/** One thing that was looked at by `test`. */
export type Finding = { ok: boolean; what: string; hint?: string };

export type Connector = {
  kind: UpstreamKind;
  can: { signIn: boolean; refresh: boolean; revoke: boolean; groups: boolean; downScope: boolean };
  /** Makes sure that `can` is what the upstream says of itself, where it says so. Throws as `redeem` does. */
  learn?(): Promise<void>;
  /** Where to send the person. Scopes beyond sign-in are asked for when connecting for the vault. */
  authorizationUrl(transaction: Transaction & { loginHint?: string; prompt?: string }): Promise<URL>;
  /**
   * The callback's parameters → tokens, and who it was. Every check is made inside: state, iss (RFC 9207), the ID
   * token, userinfo. Throws a Refusal: `upstream_denied` when the person or the upstream said no,
   * `upstream_unavailable` (503) when it cannot be reached, `upstream_misbehaved` (502) when its answer is wrong.
   */
  redeem(
    transaction: Transaction,
    callback: URLSearchParams,
  ): Promise<{ tokens: UpstreamTokens; person: UpstreamPerson }>;
  /** Throws a Refusal: `upstream_revoked` when the connection is over, otherwise as `redeem` does. */
  refresh(tokens: UpstreamTokens): Promise<UpstreamTokens>;
  /** Ends what the tokens stand for. Does nothing where it `can` not. Throws as `redeem` does. */
  revoke(tokens: UpstreamTokens): Promise<void>;
  /**
   * Whether the upstream still takes the access token, where it can be asked without using it: who ends an application
   * there does not tell us, and a token may have years left. Throws as `redeem` does.
   */
  alive?(tokens: UpstreamTokens): Promise<boolean>;
  /**
   * Groups or organisations of `subject`, whose tokens these are, as of now; undefined where it is not said, which is
   * not the same as none. Throws as `refresh` does.
   */
  groups?(
    tokens: UpstreamTokens,
    subject: string,
  ): Promise<{ groups: string[]; incomplete?: boolean } | undefined>;
  /** The same access with fewer scopes (RFC 8693). Throws as `refresh` does. */
  downScope?(tokens: UpstreamTokens, scopes: readonly string[]): Promise<UpstreamTokens>;
  /**
   * What works and what is wrong, for `cardea upstream test NAME`; people are to come back to `redirectUri`. Never throws
   * for what the upstream does.
   */
  test(redirectUri: string): Promise<Finding[]>;
};
