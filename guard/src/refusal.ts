// Why a request may not pass, and the HTTP answer that lets an honest client recover from it.

/** How a token is sent. */
export type Scheme = 'Bearer' | 'DPoP';

type Why = {
  /** Stable, for logs and metrics: `no_token`, `wrong_audience`, `tool_not_allowed`. */
  reason: string;
  status: 400 | 401 | 403 | 413 | 415 | 503;
  /** The error code of RFC 6750 §3.1 or RFC 9449 §7, or of JSON-RPC when the body is at fault. Absent: no token. */
  error?: string | number;
  /** What the client and its person may read. */
  message: string;
  /** What only the operator may read. */
  detail?: string;
  /** The scopes that would do. */
  scope?: readonly string[];
  /** How the token must be sent; absent: the way it was. */
  scheme?: Scheme;
  /** For the next proof (RFC 9449 §9). */
  nonce?: string;
};

export class Refused extends Error {
  override name = 'Refused';
  readonly why: Why;

  constructor(why: Why, cause?: unknown) {
    super(why.message, { cause });
    this.why = why;
  }
}

export const badToken = (
  reason: string,
  message: string,
  detail?: string,
  cause?: unknown,
  scheme?: Scheme,
): Refused =>
  new Refused(
    {
      reason,
      status: 401,
      error: 'invalid_token',
      message,
      ...(detail === undefined ? {} : { detail }),
      ...(scheme === undefined ? {} : { scheme }),
    },
    cause,
  );

export const unavailable = (reason: string, detail: string, cause?: unknown): Refused =>
  new Refused(
    {
      reason,
      status: 503,
      error: 'temporarily_unavailable',
      message: 'The token cannot be checked right now',
      detail,
    },
    cause,
  );

/** What completes the challenge: how the token was sent, and what the guard is set to. */
type Asked = {
  scheme: Scheme;
  metadataUrl: string;
  scopes: readonly string[];
  algorithms: readonly string[];
};

/** The Response for a refusal. `algorithms`: those of DPoP proofs, when a client without a token may hear of them. */
export function refusalResponse(why: Why, asked: Asked): Response {
  const headers = new Headers({ 'content-type': 'application/json', 'cache-control': 'no-store' });
  const challenged = why.status === 401 || why.status === 403 || why.error === 'invalid_request';
  if (challenged && typeof why.error !== 'number') {
    headers.set('www-authenticate', challenge(why, asked));
    if (why.nonce !== undefined) headers.set('dpop-nonce', why.nonce);
    // A client in a browser can begin only if it may read the challenge.
    headers.set('access-control-allow-origin', '*');
    headers.set('access-control-expose-headers', 'WWW-Authenticate, DPoP-Nonce');
  }
  if (why.status === 503) headers.set('retry-after', '5');
  return new Response(JSON.stringify(body(why)), { status: why.status, headers });
}

function body(why: Why) {
  if (typeof why.error === 'number') {
    return { jsonrpc: '2.0', id: null, error: { code: why.error, message: why.message } };
  }
  return {
    error: why.error ?? 'unauthorized',
    error_description: why.message,
    ...(why.scope ? { scope: why.scope.join(' ') } : {}),
  };
}

function challenge(why: Why, { scheme: sent, metadataUrl, scopes, algorithms }: Asked): string {
  const scheme = why.scheme ?? sent;
  const needed = why.scope ?? scopes;
  const parts: string[] = [];
  // RFC 6750 §3.1: a request without authentication gets no error code.
  if (why.error !== undefined) {
    parts.push(`error="${why.error}"`, `error_description="${quotable(why.message)}"`);
  }
  if (needed.length > 0) parts.push(`scope="${needed.map(quotable).join(' ')}"`);
  // RFC 9728 §5.1
  parts.push(`resource_metadata="${quotable(metadataUrl)}"`);
  // RFC 9449 §7.1: the proofs that would do
  const algs = `algs="${algorithms.join(' ')}"`;
  if (scheme === 'DPoP') return `DPoP ${[...parts, algs].join(', ')}`;
  // Bearer comes first: some clients read the first challenge only.
  const both = why.error === undefined && algorithms.length > 0;
  return `Bearer ${parts.join(', ')}${both ? `, DPoP ${algs}` : ''}`;
}

// RFC 6750 §3: error_description is limited to %x20-21 / %x23-5B / %x5D-7E; a tool's name may hold anything.
const quotable = (text: string): string => text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?').slice(0, 2000);
