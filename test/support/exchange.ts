// A Cardea whose library may use two upstreams, and the steps around token exchange (RFC 8693), each on its own.
// Called by the tests of the vault's wire.

import { type Answer, type Connected, connect, durably, type Secret, type Wish } from './flow.ts';
import { basicConfig, OTHER_RESOURCE, SERVER, type Server, startServer } from './server.ts';

export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

export const COMPANY_SECRET = 'a-secret/of+the-company:0001';

/** `issuer` is the company's; nobody needs to be there while no token of it is refreshed. */
export const vaultConfig = (issuer = 'http://127.0.0.1:9') => ({
  upstreams: [
    {
      name: 'company',
      kind: 'oidc',
      label: 'Acme',
      issuer,
      client_id: 'cardea-at-acme',
      client_secret: COMPANY_SECRET,
      vault: { scopes: ['openid', 'offline_access', 'calendar:read'] },
    },
    { name: 'weather', kind: 'key', label: 'Weather Desk', hint: 'weather.example/keys' },
    {
      name: 'door',
      kind: 'oidc',
      label: 'Door',
      issuer,
      client_id: 'door',
      client_secret: 'a-secret-of-the-door-01',
    },
  ],
  resources: basicConfig.resources.map((resource) => ({
    ...resource,
    ...(resource.uri !== OTHER_RESOURCE && {
      upstreams: [
        { name: 'company', purpose: 'read your calendar', scopes: ['calendar:read'] },
        { name: 'weather', purpose: 'look at the sky' },
      ],
    }),
  })),
});

export const startVaultServer = (issuer?: string): Promise<Server> =>
  startServer({ config: vaultConfig(issuer) });

/** Puts a token of the company into the account's vault, as if it had been connected; `expiresIn` in ms. */
export async function keep(server: Server, { expiresIn = 3_600_000, accountId = server.account.id } = {}) {
  const accessToken = `upstream-at-${Math.random().toString(36).slice(2)}`;
  await durably(server, (work) =>
    server.rooms.vault.connect(work, {
      accountId,
      upstream: 'company',
      person: { issuer: 'http://127.0.0.1:9', subject: 'kim', username: 'kim@acme', groups: [] },
      tokens: {
        accessToken,
        refreshToken: `upstream-rt-${accessToken}`,
        expiresAt: server.rooms.clock() + expiresIn,
        scopes: ['openid', 'offline_access', 'calendar:read'],
        tokenType: 'bearer',
      },
    }),
  );
  return accessToken;
}

/** Alex's connection; the consent page's ticks for upstreams stay as they are unless the wish says otherwise. */
export const connected = (server: Server, wish?: Wish): Promise<Connected> => connect(server, wish);

/** The library asks for the company's token, with `changes` put over an honest request, or `as` somebody else. */
export function exchange(
  server: Server,
  subject: string,
  changes: Record<string, string | undefined> = {},
  as: Secret | undefined = SERVER,
): Promise<Answer> {
  const fields = {
    grant_type: TOKEN_EXCHANGE,
    subject_token: subject,
    subject_token_type: ACCESS_TOKEN,
    audience: 'company',
    ...changes,
  };
  const given = Object.entries(fields).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return server.post('/token', Object.fromEntries(given), as);
}
