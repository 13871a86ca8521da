// What stands behind a tool: a short-lived token of an upstream (a calendar, a code host) for the person whose token
// the request carried, asked of the authorization server (RFC 8693). The person's own token never goes to an upstream.
import { createHash } from 'node:crypto';
import { asServer } from './as-server.ts';
import type { IssuerMetadata } from './issuer.ts';
import type { Settings } from './options.ts';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** A token is fetched anew when it has less left than this, in ms. */
const MARGIN = 10_000;
const MOST_KEPT = 1_000;

export type UpstreamToken = {
  /** For the upstream alone; never log it, never show it to a client. */
  accessToken: string;
  /** How it is sent; almost always `Bearer`. */
  tokenType: string;
  /** What it can do, as far as the upstream says. */
  scopes: string[];
  /** Ms since the epoch. */
  expiresAt: number;
};

/** The person has to connect the upstream, or allow its use, before the tool can do its work. */
export class ConnectRequired extends Error {
  override name = 'ConnectRequired';
  readonly upstream: string;
  /** Where they can: good once, for this person alone, for some minutes. Show it to them and to nobody else. */
  readonly connectUri: string | undefined;
  constructor(upstream: string, message: string, connectUri: string | undefined) {
    super(message);
    this.upstream = upstream;
    this.connectUri = connectUri;
  }

  /** The same as MCP's URL mode elicitation has it; undefined where there is no address. */
  get elicitation() {
    const { connectUri: url, message } = this;
    if (url === undefined) return undefined;
    const elicitationId = createHash('sha256').update(url).digest('base64url');
    return { mode: 'url' as const, elicitationId, url, message };
  }
}

/** No token could be had, and the person cannot help: `code` is the OAuth error, or `unreachable`. */
export class UpstreamFailed extends Error {
  override name = 'UpstreamFailed';
  readonly upstream: string;
  readonly code: string;
  constructor(upstream: string, code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.upstream = upstream;
    this.code = code;
  }
}

/** Whose token: as the guard gives it, as the MCP SDK hands it to tools (`extra.authInfo`), or the token itself. */
export type Bearer = string | { raw: string } | { token: string };

const rawOf = (bearer: Bearer): string =>
  typeof bearer === 'string' ? bearer : 'raw' in bearer ? bearer.raw : bearer.token;

/** A function that gives the upstream's token for the bearer of a token of ours. */
export function upstreamTokens(settings: Settings, metadata: () => Promise<IssuerMetadata>) {
  const { introspection: server, fetch, now } = settings;
  const kept = new Map<string, UpstreamToken>();
  const asking = new Map<string, Promise<UpstreamToken>>();

  async function ask(upstream: string, token: string, scope: string | undefined): Promise<UpstreamToken> {
    if (!server) throw new TypeError('upstreamToken needs the id and secret of `introspection`');
    const failed = (code: string, message: string, cause?: unknown) =>
      new UpstreamFailed(upstream, code, message, cause);
    let status: number;
    let answer: Record<string, unknown>;
    try {
      const { tokenEndpoint } = await metadata();
      if (!tokenEndpoint) throw new Error('the issuer has no token_endpoint');
      const fields = {
        grant_type: TOKEN_EXCHANGE,
        subject_token: token,
        subject_token_type: ACCESS_TOKEN,
        audience: upstream,
        ...(scope === undefined ? {} : { scope }),
      };
      const response = await asServer(fetch, server, tokenEndpoint, { fields, patience: 15_000 });
      status = response.status;
      answer = ((await response.json()) ?? {}) as Record<string, unknown>;
    } catch (cause) {
      throw failed('unreachable', `The token of ${upstream} cannot be asked for right now.`, cause);
    }
    const { error, error_description: said, connect_uri: uri, access_token: accessToken } = answer;
    const words = typeof said === 'string' ? said : `${upstream} cannot be used right now.`;
    if (error === 'connect_required') {
      throw new ConnectRequired(
        upstream,
        words,
        typeof uri === 'string' && URL.canParse(uri) ? uri : undefined,
      );
    }
    if (status !== 200 || typeof accessToken !== 'string')
      throw failed(typeof error === 'string' ? error : 'server_error', words);
    const { token_type: type, scope: granted, expires_in: seconds } = answer;
    return {
      accessToken,
      tokenType: typeof type === 'string' ? type : 'Bearer',
      scopes: typeof granted === 'string' ? granted.split(' ').filter(Boolean) : [],
      expiresAt: now() + (typeof seconds === 'number' ? seconds * 1000 : 0),
    };
  }

  /**
   * Kept until shortly before it runs out, and asked for once however many calls wait. `refused` is one that the upstream
   * did not take (401): it is kept no longer, and the issuer is asked what there is now. Throws ConnectRequired when
   * the person has to do something, and UpstreamFailed for everything else.
   */
  return async function upstreamToken(
    upstream: string,
    bearer: Bearer,
    { scope, refused }: { scope?: string; refused?: string } = {},
  ): Promise<UpstreamToken> {
    const token = rawOf(bearer);
    const key = createHash('sha256')
      .update(JSON.stringify([token, upstream, scope]))
      .digest('base64url');
    const before = kept.get(key);
    if (before && before.accessToken !== refused && before.expiresAt - now() > MARGIN) return before;
    kept.delete(key);
    const busy = asking.get(key);
    if (busy) return busy;
    const own = ask(upstream, token, scope)
      .then((given) => {
        kept.set(key, given);
        if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value as string);
        return given;
      })
      .finally(() => asking.delete(key));
    asking.set(key, own);
    return own;
  };
}
