// Our configuration, said in oidc-provider's words, top to bottom in the order of the specifications.
// It decides nothing: every line hands a question to the room that answers it.

import type { JWK } from 'jose';
import Provider, { type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import type { Lifetimes } from '../config.ts';
import type { Accounts } from '../domain/accounts.ts';
import type { SigningKey } from '../domain/keys.ts';
import type { adapterFor } from './adapter.ts';
import { checkThumbprint, honourMaxAge, MAX_AGE } from './authorization-request.ts';
import type { CookieSignatures } from './cookie-signatures.ts';
import { IDENTITY_SCOPES } from './identity.ts';
import { keepMoreClients } from './internals.ts';
import { prompts } from './prompts.ts';
import type { Metadata } from './registration.ts';
import { request } from './request.ts';
import type { ResourceIndicators } from './resources.ts';
import type { StandingGrants } from './standing.ts';

export type RenderError = (
  ctx: KoaContextWithOIDC,
  out: { error: string; error_description?: string | undefined },
  cause: unknown,
) => Promise<void>;

export type ProviderNeeds = {
  issuer: string;
  adapter: ReturnType<typeof adapterFor>;
  signingKeys: readonly SigningKey[];
  cookieSignatures: CookieSignatures;
  secure: boolean;
  lifetimes: Lifetimes;
  accounts: Accounts;
  resources: ResourceIndicators;
  standing: StandingGrants;
  renderError: RenderError;
};

export const SESSION_COOKIE = 'cardea_session';

// Current keys first: the engine signs id_tokens with the first key that fits.
const STATES = ['current', 'next', 'retired'];

const privateJwk = (key: SigningKey): JWK => ({
  ...(key.private.export({ format: 'jwk' }) as JWK),
  kid: key.kid,
  alg: key.algorithm,
  use: 'sig',
});

// All that is asked of its metadata here; the engine writes the whole of it out anew for whoever wants it.
const boundsOf = (client: object): Metadata => ({
  ceiling: 'ceiling' in client ? client.ceiling : undefined,
});

// Documents and keys of clients are fetched by ours (domain/clients/documents.ts, token/client-keys.ts).
const nothingToFetch = async (): Promise<never> => {
  throw new Error('the engine has nobody to ask');
};

export function buildProvider(needs: ProviderNeeds): Provider {
  const { lifetimes, resources } = needs;
  // `__Host-` (RFC 6265bis §4.1.3.2) where there is TLS: no sibling host can set it, none can read it.
  const session = needs.secure ? `__Host-${SESSION_COOKIE}` : SESSION_COOKIE;
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, overwrite: true } as const;

  const configuration: Configuration = {
    adapter: needs.adapter as never,
    jwks: {
      keys: needs.signingKeys
        .toSorted((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state))
        .map(privateJwk) as never,
    },
    cookies: {
      keys: needs.cookieSignatures as never,
      names: { session, interaction: 'cardea_interaction', resume: 'cardea_resume' },
      long: cookie,
      short: cookie,
    },
    routes: { authorization: '/authorize', token: '/token', jwks: '/jwks' },

    // RFC 6749: the code flow only, and PKCE for every client (OAuth 2.1 §4.1.1)
    responseTypes: ['code'],
    pkce: { required: () => true },
    scopes: IDENTITY_SCOPES,
    clientAuthMethods: ['none'], // clients prove themselves at the token side (token/authentication.ts), never here
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'ES256',
    },
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256', 'RS256', 'EdDSA'],
    },
    extraClientMetadata: { properties: ['software_id', 'software_version', 'ceiling'] },
    // The extra parameters are only a place to stand: their checks run when scope and resource are known.
    extraParams: {
      [MAX_AGE]: honourMaxAge,
      dpop_jkt: checkThumbprint, // RFC 9449 §10
      cardea_default_scope: (ctx) => {
        const { params, client } = ctx.oidc;
        if (!params || !client) return;
        const uris = [params['resource'] as string | string[]].flat();
        const asked = [...ctx.oidc.requestParamScopes];
        params['scope'] = resources.scopeOrDefault(asked, uris, boundsOf(client)).join(' ');
      },
    },

    // Who and what
    findAccount: async (_ctx, id) => {
      const account = request().accounts.get(id) ?? (await needs.accounts.find(id));
      return account && { accountId: account.id, claims: () => ({ sub: account.id }) };
    },
    loadExistingGrant: (ctx) => needs.standing.load(ctx),
    interactions: {
      policy: prompts((ctx) => needs.standing.covers(ctx)),
      url: (_ctx, interaction) =>
        `${new URL(needs.issuer).pathname.replace(/\/$/, '')}/interaction/${interaction.uid}`,
    },

    // How long; a token's life is the grant's, never the browser session's
    ttl: {
      AuthorizationCode: lifetimes.authorizationCode,
      Grant: lifetimes.grant,
      Interaction: lifetimes.interaction,
      Session: (_ctx, browser) => {
        const age = browser.loginTs === undefined ? 0 : Math.floor(Date.now() / 1000) - browser.loginTs;
        return Math.max(1, Math.min(lifetimes.sessionIdle, lifetimes.sessionAbsolute - age));
      },
    },
    expiresWithSession: async () => false,

    renderError: needs.renderError as never,
    clientBasedCORS: () => false, // CORS is answered before the engine: cors.ts
    fetch: nothingToFetch,

    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      claimsParameter: { enabled: false },
      // Ours: pushed/, dpop.ts. Of a key that a code is for the engine only carries the thumbprint.
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: async (_ctx, _client, oneOf) => resources.default(oneOf),
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_ctx, uri, client) => resources.info(uri, boundsOf(client)),
      },
    },
  };

  const provider = new Provider(needs.issuer, configuration);
  keepMoreClients(provider);
  return provider;
}
