// The guard owns one decision: may this request reach the MCP server, and which tools may it call or see.
// It does not serve MCP, keep sessions or know how anybody signed in; the issuer decides that.
// An MCP server calls `handle` (web-standard) or mounts it through `@cardea/guard/node` or `@cardea/guard/koa`.
import { readAuthorization } from './authorization.ts';
import { authorize } from './authorize.ts';
import { type Calls, readCalls } from './calls.ts';
import { keyBinding, proofAlgorithms } from './dpop.ts';
import { introspection } from './introspect.ts';
import { issuerMetadata } from './issuer.ts';
import { verifyJwt } from './jwt.ts';
import { issuerKeys } from './keys.ts';
import { resourceMetadata } from './metadata.ts';
import { type GuardOptions, readOptions } from './options.ts';
import { Refused, refusalResponse, type Scheme } from './refusal.ts';
import { type Token, tokenOf } from './token.ts';
import { type RewriteMessage, toolListRewriter } from './tool-list.ts';
import { upstreamTokens } from './upstream.ts';
import { readRequestBody, rewriteResponse } from './web.ts';

export { ConnectRequired, UpstreamFailed, type UpstreamToken } from './upstream.ts';
export type { GuardOptions, Token };

/**
 * What a request shows of itself. `path` is as it came, a query included; `authorization` and `proofs` are every
 * Authorization and DPoP header. `body` gives the parsed JSON; it is called only after the token has passed.
 */
export type Incoming = {
  method: string;
  path: string;
  authorization: readonly string[];
  proofs: readonly string[];
  body: () => Promise<unknown>;
};

/** `rewrite`, when present, is owed to every JSON-RPC message of the answer: it takes out tools not allowed. */
export type Decision =
  | { ok: true; token: Token; body: unknown; rewrite: RewriteMessage | undefined }
  | { ok: false; response: Response };

export type Guard = ReturnType<typeof createGuard>;

/** A guard for one MCP server. Throws a TypeError for options that cannot work; fetches nothing until first used. */
export function createGuard(options: GuardOptions) {
  const settings = readOptions(options);
  const published = resourceMetadata(settings);
  const metadata = issuerMetadata(settings);
  const keys = issuerKeys(settings, metadata);
  const introspect = introspection(settings, metadata);
  const checkBinding = keyBinding(settings);
  const unauthenticated: Scheme = settings.dpop.required ? 'DPoP' : 'Bearer';

  const isJwt = (raw: string): boolean => raw.split('.').length === 3;

  async function verify(raw: string): Promise<Token> {
    return tokenOf(raw, isJwt(raw) ? await verifyJwt(raw, keys, settings) : await introspect(raw), settings);
  }

  /** The same token as the issuer sees it now, when these calls ask for that. */
  async function live(token: Token, { tools }: Calls): Promise<Token> {
    const when = settings.introspection?.live;
    if (when === undefined || !isJwt(token.raw)) return token;
    if (when !== 'always' && !tools.some(when)) return token;
    return tokenOf(token.raw, { ...token.claims, ...(await introspect(token.raw)) }, settings);
  }

  async function admit({ method, path, authorization, proofs, body: read }: Incoming): Promise<Decision> {
    const { scheme, token: raw } = readAuthorization(authorization);
    const verified = await verify(raw);
    await checkBinding(verified, { scheme, proofs, method, path });
    const carriesBody = !['GET', 'HEAD', 'DELETE', 'OPTIONS'].includes(method);
    const body = carriesBody ? await read() : undefined;
    const calls = carriesBody ? readCalls(body) : { tools: [], lists: new Set() };
    const token = await live(verified, calls);
    authorize(token, calls.tools, settings);
    return { ok: true, token, body, rewrite: rewriter(method, calls, token) };
  }

  function rewriter(method: string, { lists }: Calls, token: Token): RewriteMessage | undefined {
    const shows = settings.list === 'allowed' ? token.allows : listed;
    if (lists.size > 0) return toolListRewriter(shows, lists);
    // A GET may resume the stream of an earlier POST, whose ids are not known here.
    return method === 'GET' ? toolListRewriter(shows) : undefined;
  }

  const listed = (tool: string): boolean => settings.toolScopes.has(tool) || settings.unlisted === 'allow';

  /** The decision on a request, whatever server it came through. Throws only what is a bug. */
  async function decide(incoming: Incoming): Promise<Decision> {
    try {
      return await admit(incoming);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { why } = error;
      settings.onRefusal?.({ reason: why.reason, status: why.status, detail: why.detail ?? why.message });
      const response = refusalResponse(why, {
        scheme: /^\s*dpop\s/i.test(incoming.authorization[0] ?? '') ? 'DPoP' : unauthenticated,
        metadataUrl: published.url,
        scopes: settings.initialScopes,
        algorithms: settings.offersDpop || why.scheme === 'DPoP' ? proofAlgorithms : [],
      });
      return { ok: false, response };
    }
  }

  /** The decision on a web-standard Request, whose body stays readable. `body`: the JSON, if already parsed. */
  function check(request: Request, body?: unknown): Promise<Decision> {
    const { pathname, search } = new URL(request.url);
    return decide({
      method: request.method,
      path: pathname + search,
      authorization: headerOf(request, 'authorization'),
      proofs: headerOf(request, 'dpop'),
      body: async () => body ?? readRequestBody(request, settings.maxBody),
    });
  }

  /**
   * Answers the metadata request, refuses what must not pass, and gives everything else to `next`,
   * with a Request whose body is exactly what was judged.
   */
  async function handle(
    request: Request,
    next: (request: Request, token: Token) => Response | Promise<Response>,
  ): Promise<Response> {
    const metadataResponse = published.respond(request.method, new URL(request.url).pathname);
    if (metadataResponse) return metadataResponse;
    const decision = await check(request);
    if (!decision.ok) return decision.response;
    const { body, token, rewrite } = decision;
    const judged = body === undefined ? request : new Request(request, { body: JSON.stringify(body) });
    judged.headers.delete('content-length');
    const response = await next(judged, token);
    return rewrite ? rewriteResponse(response, rewrite) : response;
  }

  return {
    issuer: settings.issuer,
    resource: settings.resource,
    maxBody: settings.maxBody,
    /** The protected resource metadata document (RFC 9728 §2). */
    metadata: () => published.document,
    metadataPath: published.path,
    metadataUrl: published.url,
    /** The answer to a request for the metadata, or undefined when `pathname` is another. */
    respondMetadata: published.respond,
    decide,
    check,
    handle,
    /** A short-lived token of an upstream, for the person whose token the request carried. */
    upstreamToken: upstreamTokens(settings, metadata),
  };
}

// Several headers of one name are one value here, with commas between; as a token or a proof that is refused.
function headerOf(request: Request, name: string): string[] {
  const value = request.headers.get(name);
  return value === null ? [] : [value];
}
