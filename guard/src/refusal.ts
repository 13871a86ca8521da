// Why a request may not pass, and the HTTP answer that lets an honest client recover from it.

type Why = {
  /** Stable, for logs and metrics: `no_token`, `wrong_audience`, `tool_not_allowed`. */
  reason: string;
  status: 400 | 401 | 403 | 413 | 415 | 503;
  /** The error code of RFC 6750 §3.1, or of JSON-RPC when the body is at fault. Absent: no token was sent. */
  error?: string | number;
  /** What the client and its person may read. */
  message: string;
  /** What only the operator may read. */
  detail?: string;
  /** The scopes that would do. */
  scope?: readonly string[];
};

export class Refused extends Error {
  override name = 'Refused';
  readonly why: Why;

  constructor(why: Why, cause?: unknown) {
    super(why.message, { cause });
    this.why = why;
  }
}

export const badToken = (reason: string, message: string, detail?: string, cause?: unknown): Refused =>
  new Refused(
    { reason, status: 401, error: 'invalid_token', message, ...(detail === undefined ? {} : { detail }) },
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

/** The Response for a refusal. `metadataUrl` and `initialScopes` complete the challenge. */
export function refusalResponse(why: Why, metadataUrl: string, initialScopes: readonly string[]): Response {
  const headers = new Headers({ 'content-type': 'application/json', 'cache-control': 'no-store' });
  const challenged = why.status === 401 || why.status === 403 || why.error === 'invalid_request';
  if (challenged && typeof why.error !== 'number') {
    headers.set('www-authenticate', challenge(why, metadataUrl, why.scope ?? initialScopes));
    // A client in a browser can begin only if it may read the challenge.
    headers.set('access-control-allow-origin', '*');
    headers.set('access-control-expose-headers', 'WWW-Authenticate');
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

function challenge(why: Why, metadataUrl: string, scopes: readonly string[]): string {
  const parts: string[] = [];
  // RFC 6750 §3.1: a request without authentication gets no error code.
  if (why.error !== undefined) {
    parts.push(`error="${why.error}"`, `error_description="${quotable(why.message)}"`);
  }
  if (scopes.length > 0) parts.push(`scope="${scopes.map(quotable).join(' ')}"`);
  // RFC 9728 §5.1
  parts.push(`resource_metadata="${quotable(metadataUrl)}"`);
  return `Bearer ${parts.join(', ')}`;
}

// RFC 6750 §3: error_description is limited to %x20-21 / %x23-5B / %x5D-7E; a tool's name may hold anything.
const quotable = (text: string): string => text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?').slice(0, 2000);
