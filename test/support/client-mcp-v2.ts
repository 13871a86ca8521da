// An MCP client on the second official SDK, whose sign-ins are done by a scripted person. Owns what the SDK asks its
// host application to remember, and the headers that it sent to the MCP server.

import { randomBytes } from 'node:crypto';
import {
  Client,
  type DpopSession,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import type { Decision, Person } from './person.ts';

const metadata: OAuthClientMetadata = {
  client_name: 'Second SDK',
  redirect_uris: ['http://127.0.0.1:33419/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
};

export type SecondOptions = {
  url: string;
  person?: Person;
  /** The address of its metadata document. */
  document?: string;
  dpop?: DpopSession;
  /** Registered beforehand. */
  information?: StoredOAuthClientInformation;
  /** A provider of the SDK's own, for clients that ask nobody. */
  provider?: OAuthClientProvider;
};

/** What the SDK asks its host to remember. */
function memory({ document, dpop, information }: SecondOptions) {
  const kept = {
    information,
    tokens: undefined as StoredOAuthTokens | undefined,
    verifier: '',
    state: '',
    discovery: undefined as OAuthDiscoveryState | undefined,
    opened: [] as URL[],
  };
  const provider: OAuthClientProvider = {
    redirectUrl: metadata.redirect_uris[0],
    ...(document ? { clientMetadataUrl: document } : {}),
    ...(dpop ? { dpop: () => dpop } : {}),
    clientMetadata: metadata,
    state() {
      kept.state = randomBytes(16).toString('base64url');
      return kept.state;
    },
    clientInformation: () => kept.information,
    saveClientInformation(saved) {
      kept.information = saved;
    },
    tokens: () => kept.tokens,
    saveTokens(saved) {
      kept.tokens = saved;
    },
    redirectToAuthorization(url) {
      kept.opened.push(url);
    },
    saveCodeVerifier(verifier) {
      kept.verifier = verifier;
    },
    codeVerifier: () => kept.verifier,
    discoveryState: () => kept.discovery,
    saveDiscoveryState(state) {
      kept.discovery = state;
    },
    invalidateCredentials(scope) {
      if (scope === 'all' || scope === 'client') kept.information = undefined;
      if (scope === 'all' || scope === 'tokens') kept.tokens = undefined;
    },
  };
  return { kept, provider };
}

/** `connect` opens an MCP session, signing in when the server asks and there is a person. */
export function secondMcpClient(options: SecondOptions) {
  const { url, person } = options;
  const { kept, provider: own } = memory(options);
  const provider = options.provider ?? own;
  const sent: Headers[] = [];
  const statuses: number[] = [];
  const observed: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (String(input) === url) {
      sent.push(new Headers(init?.headers));
      statuses.push(response.status);
    }
    return response;
  };
  const open = () =>
    new StreamableHTTPClientTransport(new URL(url), { authProvider: provider, fetch: observed });
  let client = new Client({ name: 'second-sdk', version: '1.0.0' });

  async function authorize(transport: StreamableHTTPClientTransport, decision: Decision): Promise<void> {
    const wanted = kept.opened.at(-1);
    if (!wanted || !person) throw new Error('the client was not asked to authorize');
    const back = new URL(await person.approve(wanted, decision)).searchParams;
    if (back.get('state') !== kept.state) throw new Error('the callback carries another state');
    await transport.finishAuth(back); // checks `iss` (RFC 9207)
  }

  return {
    async connect(decision: Decision = {}): Promise<void> {
      const transport = open();
      try {
        await client.connect(transport);
        return;
      } catch (error) {
        if (!(error instanceof UnauthorizedError) || !person) throw error;
      }
      await authorize(transport, decision);
      client = new Client({ name: 'second-sdk', version: '1.0.0' });
      await client.connect(open());
    },
    /** Takes the last authorization URL to the person, and the code to the token endpoint. */
    authorize: (decision: Decision = {}): Promise<void> => authorize(open(), decision),
    tools: async (): Promise<string[]> => (await client.listTools()).tools.map(({ name }) => name),
    call: (name: string, args: Record<string, unknown> = {}) => client.callTool({ name, arguments: args }),
    /** Makes the stored access token useless, so that the next request must refresh. */
    spoilAccessToken(): void {
      if (kept.tokens)
        kept.tokens = { ...kept.tokens, access_token: `${kept.tokens.access_token.slice(0, -8)}AAAAAAAA` };
    },
    /** The headers of every request to the MCP server, and what it answered. */
    sent,
    statuses,
    opened: (): URL[] => kept.opened,
    tokens: async (): Promise<StoredOAuthTokens> => {
      const tokens = await provider.tokens();
      if (!tokens) throw new Error('the client holds no tokens');
      return tokens;
    },
    information: () => kept.information,
    close: (): Promise<void> => client.close(),
  };
}
