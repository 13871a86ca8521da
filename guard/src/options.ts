// What an MCP server tells its guard, checked once when the server starts.

export type GuardOptions = {
  /** The authorization server's issuer, to the byte: `https://auth.example.com`. */
  issuer: string;
  /** This MCP server's own URI, to the byte, as registered with the authorization server. */
  resource: string;
  /** Each scope with the names of the tools it opens. A tool belongs to one scope. */
  scopes: Record<string, readonly string[]>;
  /** What people read in the protected resource metadata. */
  name?: string;
  /** Scopes that a client without a token is told to ask for. Unset: all of them, the person then chooses. */
  initialScopes?: readonly string[];
  /** How to ask the authorization server about a token. Needed for opaque tokens, and for revocation at once. */
  introspection?: {
    id: string;
    secret: string;
    /** When a JWT is also checked live: always, or for calls to these tools. Unset: never. */
    live?: 'always' | ((tool: string) => boolean);
  };
  /** A tool that no scope names: refuse the call and hide it (default), or leave both to the server. */
  unlisted?: 'refuse' | 'allow';
  /** What `tools/list` shows: the tools this token may call (default), or every one that some scope names. */
  list?: 'allowed' | 'all';
  /** Signature algorithms accepted in a JWT. Symmetric ones are refused. */
  algorithms?: readonly string[];
  /**
   * Tokens bound to a key (RFC 9449). Such a token always needs its proof; giving this tells clients so beforehand.
   */
  dpop?: {
    /** Refuse tokens that are not bound. */
    required?: boolean;
    /** Demand a nonce in every proof, made with this secret of at least 32 characters; the same for all replicas. */
    nonceSecret?: string;
    /**
     * Takes note that a proof is used, until then (ms since the epoch); false when it was used before. For replicas
     * that share a store. Unset: this process's memory.
     */
    seen?: (id: string, until: number) => boolean | Promise<boolean>;
  };
  /** Seconds by which clocks may differ. Default 10. */
  clockTolerance?: number;
  /** Seconds after which the keys are fetched again (default 600), and the least time between two fetches (30). */
  keys?: { refreshAfter?: number; cooldown?: number };
  /** Largest request body read, in bytes. Default 4 MiB. */
  maxBody?: number;
  /** Permits an `http:` issuer that is not on loopback, for a private network in development. */
  allowInsecureIssuer?: boolean;
  /** Told of every refusal, with the details that the client does not get. Never contains a token. */
  onRefusal?: (refusal: { reason: string; status: number; detail: string }) => void;
  fetch?: typeof fetch;
  /** Milliseconds since the epoch. */
  now?: () => number;
};

const asymmetric = new Set(['ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']);
asymmetric.add('EdDSA').add('Ed25519');
// RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** The options with every default filled in. Throws a TypeError that names the option at fault. */
export function readOptions(options: GuardOptions) {
  const issuer = parse('issuer', options.issuer);
  parse('resource', options.resource);
  const loopback = ['127.0.0.1', 'localhost', '[::1]'].includes(issuer.hostname);
  if (issuer.protocol !== 'https:' && !loopback && !options.allowInsecureIssuer) {
    throw new TypeError('issuer must be https, unless it is on loopback');
  }
  const algorithms = options.algorithms ?? ['ES256', 'RS256', 'EdDSA', 'Ed25519'];
  const weak = algorithms.find((algorithm) => !asymmetric.has(algorithm));
  if (weak !== undefined) throw new TypeError(`algorithms: ${weak} is not an asymmetric signature algorithm`);
  const initialScopes = options.initialScopes ?? Object.keys(options.scopes);
  for (const scope of [...Object.keys(options.scopes), ...initialScopes]) {
    if (!scopeToken.test(scope)) throw new TypeError(`scopes: "${scope}" cannot be a scope name`);
  }
  if (options.dpop?.nonceSecret !== undefined && options.dpop.nonceSecret.length < 32) {
    throw new TypeError('dpop.nonceSecret must have at least 32 characters');
  }
  return {
    ...options,
    /** Whether clients are told of it. */
    offersDpop: options.dpop !== undefined,
    dpop: options.dpop ?? {},
    toolScopes: toolScopes(options.scopes),
    initialScopes,
    algorithms: [...algorithms],
    unlisted: options.unlisted ?? 'refuse',
    list: options.list ?? 'allowed',
    clockTolerance: options.clockTolerance ?? 10,
    refreshAfter: options.keys?.refreshAfter ?? 600,
    cooldown: options.keys?.cooldown ?? 30,
    maxBody: options.maxBody ?? 4 * 1024 * 1024,
    fetch: options.fetch ?? globalThis.fetch,
    now: options.now ?? Date.now,
  };
}

export type Settings = ReturnType<typeof readOptions>;

function toolScopes(scopes: GuardOptions['scopes']): Map<string, string> {
  const found = new Map<string, string>();
  for (const [scope, tools] of Object.entries(scopes)) {
    for (const tool of tools) {
      const other = found.get(tool);
      if (other !== undefined) throw new TypeError(`scopes: tool "${tool}" is in both ${other} and ${scope}`);
      found.set(tool, scope);
    }
  }
  return found;
}

function parse(option: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  // RFC 8414 §2 and RFC 8707 §2: neither identifier has a fragment.
  if (
    !url ||
    !/^https?:$/.test(url.protocol) ||
    url.hash ||
    value.includes('#') ||
    url.username ||
    url.password
  ) {
    throw new TypeError(
      `${option} must be an absolute http(s) URL without fragment or credentials, not "${value}"`,
    );
  }
  return url;
}
