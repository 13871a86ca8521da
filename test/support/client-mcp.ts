// An MCP client on the official SDK whose sign-ins are done by a scripted person. Owns the client's stored
// registration and tokens, and what it saw of challenges. Called by the SDK tests and by the demo's check.

import { randomBytes } from 'node:crypto';
import { type OAuthClientProvider, UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import type { Decision, Person } from './person.ts';

export type Options = {
  /** The MCP server's address. */
  url: string;
  person: Person;
  /** Every request of the client goes through it. */
  fetch?: typeof fetch;
  /** A client registered beforehand; without one the SDK registers itself (RFC 7591). */
  information?: OAuthClientInformationMixed;
  metadata?: Partial<OAuthClientMetadata>;
  /** What RFC 9207 `iss` must be on the way back. */
  issuer: string;
};

export type Challenge = { status: number; header: string; parameters: Record<string, string> };

/** What a `WWW-Authenticate: Bearer …` says, parameter by parameter. */
export const challengeOf = (response: Response): Challenge => {
  const header = response.headers.get('www-authenticate') ?? '';
  const pairs = [...header.matchAll(/([\w-]+)="([^"]*)"/g)].map(
    ([, name = '', value = '']) => [name, value] as const,
  );
  return { status: response.status, header, parameters: Object.fromEntries(pairs) };
};

const defaults: OAuthClientMetadata = {
  client_name: 'Demo client',
  redirect_uris: ['http://127.0.0.1:33418/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
};

/** What the SDK asks its host application to remember, and the authorization URL it wants opened. */
const memory = (metadata: OAuthClientMetadata, registered?: OAuthClientInformationMixed) => {
  const kept = {
    information: registered,
    tokens: undefined as OAuthTokens | undefined,
    verifier: '',
    state: '',
    opened: [] as URL[],
    refresh: true,
  };
  const provider: OAuthClientProvider = {
    redirectUrl: metadata.redirect_uris[0] ?? '',
    clientMetadata: metadata,
    state() {
      kept.state = randomBytes(16).toString('base64url');
      return kept.state;
    },
    clientInformation: () => kept.information,
    saveClientInformation(information) {
      kept.information = information;
    },
    tokens() {
      if (!kept.tokens || kept.refresh) return kept.tokens;
      const { refresh_token: _, ...rest } = kept.tokens;
      return rest;
    },
    saveTokens(tokens) {
      kept.tokens = tokens;
      kept.refresh = true;
    },
    redirectToAuthorization(url) {
      kept.opened.push(url);
    },
    saveCodeVerifier(verifier) {
      kept.verifier = verifier;
    },
    codeVerifier: () => kept.verifier,
    invalidateCredentials(scope) {
      if (scope === 'all' || scope === 'client') kept.information = undefined;
      if (scope === 'all' || scope === 'tokens') kept.tokens = undefined;
    },
  };
  return { kept, provider };
};

/**
 * `connect` opens an MCP session, signing in when the server asks. `call` calls a tool; when the server wants
 * more than the token allows it rejects with `UnauthorizedError`, and `stepUp` asks the person for it.
 */
export const mcpClient = ({
  url,
  person,
  fetch: send = fetch,
  information,
  metadata = {},
  issuer,
}: Options) => {
  const { kept, provider } = memory({ ...defaults, ...metadata }, information);
  const challenges: Challenge[] = [];

  const observed: typeof fetch = async (input, init) => {
    const response = await send(input, init);
    if (String(input) === url && [401, 403].includes(response.status)) {
      challenges.push(challengeOf(response));
      // A refresh cannot widen a scope (RFC 6749 §6), yet this SDK tries one before it asks the person.
      if (response.status === 403) kept.refresh = false;
    }
    return response;
  };

  const open = () =>
    new StreamableHTTPClientTransport(new URL(url), { authProvider: provider, fetch: observed });
  let transport = open();
  let client = new Client({ name: 'demo-client', version: '1.0.0' });

  /** Takes the last authorization URL to the person and the code back to the token endpoint. */
  const authorize = async (decision: Decision = {}): Promise<URL> => {
    const wanted = kept.opened.at(-1);
    if (!wanted) throw new Error('the client was not asked to authorize');
    const back = new URL(await person.approve(wanted, decision));
    const answer = back.searchParams;
    if (answer.get('state') !== kept.state) throw new Error('the callback carries another state');
    // RFC 9207 §2.4: the client compares iss with the issuer it sent the person to.
    if (answer.get('iss') !== issuer)
      throw new Error(`the callback's iss is ${answer.get('iss')}, not ${issuer}`);
    const code = answer.get('code');
    if (!code)
      throw new Error(`the callback says ${answer.get('error')}: ${answer.get('error_description')}`);
    await transport.finishAuth(code);
    return back;
  };

  const connect = async (decision: Decision = {}): Promise<void> => {
    try {
      await client.connect(transport);
      return;
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
    }
    await authorize(decision);
    transport = open();
    client = new Client({ name: 'demo-client', version: '1.0.0' });
    await client.connect(transport);
  };

  return {
    connect,
    authorize,
    /** Authorizes for what the last 403 named. */
    stepUp: authorize,
    tools: async (): Promise<string[]> => (await client.listTools()).tools.map(({ name }) => name),
    call: (name: string, args: Record<string, unknown> = {}) => client.callTool({ name, arguments: args }),
    /** Makes the stored access token useless, so that the next request must refresh. */
    spoilAccessToken(): void {
      if (kept.tokens)
        kept.tokens = { ...kept.tokens, access_token: `${kept.tokens.access_token.slice(0, -8)}AAAAAAAA` };
    },
    challenges,
    /** Authorization URLs opened so far, oldest first. */
    opened: (): URL[] => kept.opened,
    tokens: (): OAuthTokens => {
      if (!kept.tokens) throw new Error('the client holds no tokens');
      return kept.tokens;
    },
    information: (): OAuthClientInformationMixed => {
      if (!kept.information) throw new Error('the client is not registered');
      return kept.information;
    },
    close: (): Promise<void> => client.close(),
  };
};

export type McpClient = ReturnType<typeof mcpClient>;
