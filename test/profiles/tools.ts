// Clients that run on the person's own computer: the code comes back to loopback, on whichever port was free.
// Read from their sources and from issue threads (PROTOCOL §4.2). Called by profiles.test.ts.

import { ALL, CODE, LIBRARY, ORIGIN, type Profile } from './profile.ts';

const native = {
  grant_types: CODE,
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
};

export const TOOLS: Profile[] = [
  {
    client: 'mcp-remote 0.15.1',
    knownBy: { registration: true },
    metadata: {
      ...native,
      client_name: 'MCP CLI Client',
      client_uri: 'https://github.com/modelcontextprotocol/mcp-cli',
      redirect_uris: ['http://localhost:3335/oauth/callback'],
      application_type: 'native',
      software_id: '2e6dc280-f3c3-4e01-99a7-8181dbd1d23d',
      software_version: '0.15.1',
      scope: 'openid email profile',
    },
    redirectUri: 'http://localhost:3335/oauth/callback',
    scope: 'openid email profile', // where nobody told it which
    resource: LIBRARY,
    state: '5f0f1e8a-3a52-44c1-9a4c-0f3ec3f3b9d1',
    refreshes: { scope: true, resource: true },
    expects: { scope: 'library:read', idToken: true }, // for `openid`; it says no more than who
  },
  {
    client: 'Inspector 2.12.0, web',
    knownBy: { registration: true },
    metadata: {
      ...native,
      client_name: 'MCP Inspector',
      client_uri: 'https://github.com/modelcontextprotocol/inspector',
      redirect_uris: ['http://localhost:6274/oauth/callback', 'http://localhost:6274/oauth/callback/debug'],
      application_type: 'native',
      scope: '',
    },
    redirectUri: 'http://localhost:6274/oauth/callback',
    scope: `${ALL} offline_access`,
    prompt: 'consent',
    resource: LIBRARY,
    state: 'e0c9b1d8a7f6e5d4c3b2a19081726354e0c9b1d8a7f6e5d4c3b2a19081726354',
    refreshes: { resource: true },
    expects: { scope: ALL },
  },
  {
    client: 'Inspector 2.12.0, command line',
    knownBy: { registration: true },
    metadata: {
      ...native,
      client_name: 'MCP Inspector',
      redirect_uris: ['http://127.0.0.1:6276/oauth/callback'],
      application_type: 'native',
    },
    redirectUri: 'http://127.0.0.1:6276/oauth/callback',
    resource: LIBRARY,
    state: 'b21hdGU',
    refreshes: { resource: true },
    expects: { scope: 'library:read' },
  },
  {
    client: 'Claude Code, by its document',
    knownBy: { document: 'https://claude.ai/oauth/claude-code-client-metadata' },
    metadata: {
      ...native,
      client_name: 'Claude Code',
      client_uri: 'https://claude.ai',
      redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
    },
    redirectUri: 'http://localhost:57470/callback', // claude-code#37767: any port
    scope: ALL,
    resource: `${ORIGIN}/`, // claude-code#52871: URL.href of a bare origin ends with a slash
    state: 'v8Zc-_a9',
    refreshes: { resource: true },
    expects: { scope: 'tools:use', audience: ORIGIN },
  },
  {
    client: 'Claude Code, registered, without a resource',
    knownBy: { registration: true },
    metadata: {
      ...native,
      client_name: 'Claude Code (library)',
      redirect_uris: ['http://localhost:54545/callback'],
      scope: ALL,
    },
    redirectUri: 'http://localhost:61022/callback', // a new port each time, the registration kept
    scope: ALL,
    resource: undefined, // claude-code#90497
    state: 'q2w3e4r5',
    expects: { scope: ALL, audience: LIBRARY },
  },
  {
    client: 'Codex CLI, by its document',
    knownBy: { document: 'https://chatgpt.com/oauth/codex/client.json' },
    metadata: {
      ...native,
      client_name: 'Codex',
      redirect_uris: [
        'http://127.0.0.1/callback',
        'http://localhost/callback',
        'http://127.0.0.1/callback/9f86d081884c',
      ],
      application_type: 'native',
    },
    redirectUri: 'http://127.0.0.1:49731/callback/9f86d081884c', // an id of the server's address
    scope: `${ALL} offline_access`,
    resource: ORIGIN, // codex#37373: the slash is cut off
    state: 'Zm9vYmFy',
    refreshes: { scope: true },
    expects: { scope: 'tools:use', audience: ORIGIN },
  },
  {
    client: 'Codex CLI, registered',
    knownBy: { registration: true },
    metadata: {
      ...native,
      client_name: 'Codex',
      redirect_uris: ['http://127.0.0.1:49732/callback'],
      application_type: 'native',
    },
    redirectUri: 'http://127.0.0.1:49732/callback',
    scope: ALL,
    resource: LIBRARY,
    state: 'Zm9vYmFy',
    refreshes: { scope: true },
    expects: { scope: ALL },
  },
  {
    client: 'Gemini CLI',
    knownBy: { registration: true },
    metadata: {
      ...native,
      client_name: 'Gemini CLI MCP Client',
      redirect_uris: ['http://localhost:7777/oauth/callback'],
      token_endpoint_auth_method: 'client_secret_post', // it sends a secret in the body if it got one
      scope: '',
    },
    redirectUri: 'http://localhost:7777/oauth/callback',
    scope: '',
    resource: LIBRARY,
    state: 'r4nd0m-St4te_',
    refreshes: { scope: true, resource: true },
    expects: { scope: 'library:read' },
  },
  {
    client: 'Goose, on rmcp',
    knownBy: { registration: true },
    metadata: {
      ...native,
      client_name: 'goose',
      redirect_uris: ['http://localhost:51234/oauth_callback'],
      application_type: 'native',
    },
    redirectUri: 'http://localhost:51234/oauth_callback',
    scope: `${ALL} offline_access`,
    resource: LIBRARY,
    state: 'LZ7kC2ZC6Xc',
    refreshes: { scope: true },
    expects: { scope: ALL },
  },
  {
    client: 'opencode',
    knownBy: { document: 'https://opencode.ai/oauth/opencode/client.json' },
    metadata: {
      ...native,
      client_name: 'opencode',
      client_uri: 'https://opencode.ai',
      redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
    },
    redirectUri: 'http://127.0.0.1:19876/callback',
    scope: ALL,
    resource: LIBRARY,
    state: 'a1b2c3d4e5f6',
    refreshes: { resource: true },
    expects: { scope: ALL },
  },
  {
    client: 'LM Studio',
    knownBy: { registration: true },
    // no grant_types, no response_types (mcp-auth-proxy#173)
    metadata: {
      client_name: 'LM Studio',
      redirect_uris: ['http://127.0.0.1:33389/mcp/callback'],
      token_endpoint_auth_method: 'none',
    },
    redirectUri: 'http://127.0.0.1:33389/mcp/callback',
    scope: ALL,
    resource: LIBRARY,
    state: 'lmstudio-1',
    expects: { scope: ALL },
  },
];
