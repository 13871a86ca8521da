// Clients that a company hosts, and editors that have redirects of several kinds: the code goes to a web address or
// to a scheme of their own. Read from their documents and issue threads (PROTOCOL §4.2). Called by profiles.test.ts.

import { ALL, CODE, LIBRARY, type Profile } from './profile.ts';

const CLAUDE_CALLBACK = 'https://claude.ai/api/mcp/auth_callback';
const CHATGPT_CALLBACK = 'https://chatgpt.com/connector/oauth/asdk_app_68f1';

export const HOSTED: Profile[] = [
  {
    client: 'claude.ai, by its document',
    knownBy: { document: 'https://claude.ai/oauth/mcp-oauth-client-metadata' },
    metadata: {
      client_name: 'Claude',
      client_uri: 'https://claude.ai',
      redirect_uris: [CLAUDE_CALLBACK],
      grant_types: CODE,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    redirectUri: CLAUDE_CALLBACK,
    scope: ` ${ALL} offline_access`, // with a space in front
    prompt: 'consent',
    resource: LIBRARY,
    state: 'tX1PpQ4rG0yM2sV7wB9n',
    refreshes: { resource: true },
    expects: { scope: ALL },
  },
  {
    client: 'claude.ai, registered',
    knownBy: { registration: true },
    metadata: {
      client_name: 'Claude',
      redirect_uris: [CLAUDE_CALLBACK],
      grant_types: CODE,
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_post',
      scope: 'claudeai',
    },
    redirectUri: CLAUDE_CALLBACK,
    scope: 'claudeai',
    resource: LIBRARY,
    state: 'tX1PpQ4rG0yM2sV7wB9n',
    expects: { scope: 'library:read' },
  },
  {
    client: 'ChatGPT, by its document and key',
    knownBy: { document: 'https://chatgpt.com/oauth/asdk_app_68f1/client.json' },
    metadata: {
      client_name: 'ChatGPT',
      redirect_uris: [CHATGPT_CALLBACK],
      grant_types: CODE,
      response_types: ['code'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'RS256',
      jwks_uri: 'https://chatgpt.com/oauth/jwks.json',
    },
    keys: 'RS256',
    redirectUri: CHATGPT_CALLBACK,
    scope: ALL,
    resource: LIBRARY,
    state: 'oauth_s_68f1c2',
    refreshes: { resource: true },
    expects: { scope: ALL },
  },
  {
    client: 'ChatGPT, with a choice of methods',
    knownBy: { document: 'https://chatgpt.com/oauth/client.json' },
    metadata: {
      client_name: 'ChatGPT',
      redirect_uris: ['https://chatgpt.com/connector_platform_oauth_redirect'],
      grant_types: CODE,
      response_types: ['code'],
      token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
      jwks_uri: 'https://chatgpt.com/oauth/jwks.json',
    },
    redirectUri: 'https://chatgpt.com/connector_platform_oauth_redirect',
    resource: LIBRARY, // a reconnection leaves the scope out
    state: 'oauth_s_68f1c3',
    expects: { scope: 'library:read' },
  },
  {
    client: 'ChatGPT, registered',
    knownBy: { registration: true },
    metadata: {
      client_name: 'ChatGPT',
      redirect_uris: [CHATGPT_CALLBACK, 'https://chatgpt.com/connector_platform_oauth_redirect'],
      grant_types: CODE,
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    },
    redirectUri: CHATGPT_CALLBACK,
    scope: ALL,
    resource: LIBRARY,
    state: 'oauth_s_68f1c4',
    expects: { scope: ALL },
  },
  {
    client: 'VS Code, by its document',
    knownBy: { document: 'https://vscode.dev/oauth/client-metadata.json' },
    metadata: {
      client_name: 'Visual Studio Code',
      client_uri: 'https://code.visualstudio.com',
      redirect_uris: ['http://127.0.0.1:33418/', 'https://vscode.dev/redirect'],
      grant_types: [...CODE, 'urn:ietf:params:oauth:grant-type:device_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
    redirectUri: 'http://127.0.0.1:59656/', // vscode#278512
    scope: ALL,
    resource: LIBRARY,
    state: 'qN1/8sK+Zb0=',
    redeems: { resource: false },
    refreshes: { resource: true },
    expects: { scope: ALL },
  },
  {
    client: 'VS Code, registered',
    knownBy: { registration: true },
    metadata: {
      client_name: 'Visual Studio Code',
      client_uri: 'https://code.visualstudio.com',
      redirect_uris: [
        'https://insiders.vscode.dev/redirect',
        'https://vscode.dev/redirect',
        'http://127.0.0.1/',
        'http://127.0.0.1:33418/',
      ],
      grant_types: CODE,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      scope: ALL,
    },
    redirectUri: 'https://vscode.dev/redirect',
    scope: ALL,
    resource: LIBRARY,
    state: 'vscode://dynamicauthprovider/127.0.0.1?nonce=4/x=',
    expects: { scope: ALL },
  },
  ...['cursor://anysphere.cursor-mcp/oauth/callback', 'http://localhost:8787/callback'].map(
    (redirectUri): Profile => ({
      client: `Cursor, at ${redirectUri.split('/')[0]}`,
      knownBy: { registration: true },
      metadata: {
        client_name: 'Cursor',
        // all three in one request: refusing one refuses Cursor (bytebase#20510)
        redirect_uris: [
          'cursor://anysphere.cursor-mcp/oauth/callback',
          'https://www.cursor.com/agents/mcp/oauth/callback',
          'http://localhost:8787/callback',
        ],
        grant_types: CODE,
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      },
      redirectUri,
      scope: ALL,
      resource: LIBRARY,
      state: 'eyJpZCI6InVzZXItbGlicmFyeSJ9',
      refreshes: { resource: true },
      expects: { scope: ALL },
    }),
  ),
];
