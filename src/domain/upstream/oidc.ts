// The connector for OpenID providers: authorization code with PKCE and nonce, an ID token that is checked whole,
// refresh, revocation (RFC 7009), fewer scopes by token exchange (RFC 8693). What one provider does otherwise is its
// habit, given by domain/upstream.ts.

import * as oauth from 'oauth4webapi';
import type { Clock } from '../../clock.ts';
import type { OAuthUpstream } from '../../config.ts';
import { type Claims, groupsOf, personOf, saysLittle } from './claims.ts';
import { clientAuth } from './client-auth.ts';
import type { Connector, Transaction, UpstreamTokens } from './connector.ts';
import type { Door } from './door.ts';
import { findings } from './findings.ts';
import type { Habits } from './habits.ts';
import { metadata } from './metadata.ts';
import { signatures } from './signatures.ts';
import { scopesIn, tokensOf } from './tokens.ts';
import { misbehaved, mixedUp, refusedAtAuthorization, revoked, trouble } from './trouble.ts';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
// Seconds that two clocks may be apart; an ID token that has just been asked for was made just now.
const CLOCKS_APART = 60;
const JUST_NOW = 300;

export function oidc({
  declaration,
  habits,
  door,
  clock,
}: {
  declaration: OAuthUpstream;
  habits: Habits;
  door: Door;
  clock: Clock;
}): Connector {
  const hosts = [...declaration.endpointHosts, ...habits.hosts];
  const discovery = metadata({ declaration: { ...declaration, endpointHosts: hosts }, door, clock });
  const signed = signatures({ door, clock, named: declaration });
  const client: oauth.Client = { client_id: declaration.clientId, [oauth.clockTolerance]: CLOCKS_APART };
  // Whether an address may be asked is decided by the metadata's check and by the door.
  const http = { [oauth.customFetch]: door, [oauth.allowInsecureRequests]: true } as const;
  const { audience, resource } = declaration.vault ?? {};
  const grants = () => discovery.known()?.grant_types_supported;

  const authentication = (as: oauth.AuthorizationServer): Promise<oauth.ClientAuth> =>
    clientAuth(declaration, as, habits.assertionFor === 'issuer' ? undefined : as.token_endpoint);

  /** What we ask with beyond sign-in goes with these, at every endpoint. */
  const target = (connecting: boolean): Record<string, string> => ({
    ...(connecting && audience !== undefined && { audience }),
    ...(connecting && resource !== undefined && habits.resource && { resource }),
  });
  const connects = (scopes: readonly string[]): boolean =>
    declaration.vault !== undefined && scopes.some((scope) => !declaration.scopes.includes(scope));

  async function claimsOf(
    as: oauth.AuthorizationServer,
    answer: oauth.TokenEndpointResponse,
  ): Promise<Claims & { sub: string }> {
    const claims = oauth.getValidatedIdTokenClaims(answer) as oauth.IDToken;
    await signed.verify(answer.id_token as string, as.jwks_uri as string);
    // OIDC Core §3.1.3.7 (5): an azp that is there is ours, also beside a single audience.
    if (claims['azp'] !== undefined && claims['azp'] !== declaration.clientId)
      throw misbehaved(declaration, 'its ID token was issued to another client (azp)');
    // OIDC Core §3.1.3.7 (10): "reject tokens that were issued too far away from the current time"
    if (Math.abs(clock() / 1000 - claims.iat) > JUST_NOW)
      throw misbehaved(declaration, 'its ID token is not of now (iat); compare the clocks');
    // OIDC Core §2: "It MUST NOT exceed 255 ASCII characters in length."
    if (!/^[\x20-\x7e]{1,255}$/.test(claims.sub))
      throw misbehaved(declaration, 'its subject is no identifier');
    if (!habits.userinfo || !as.userinfo_endpoint || !saysLittle(claims, declaration.groupsClaim))
      return claims;
    return { ...(await userinfo(as, answer.access_token, claims.sub)), ...claims };
  }

  async function userinfo(
    as: oauth.AuthorizationServer,
    accessToken: string,
    subject: string,
  ): Promise<Claims> {
    const response = await oauth.userInfoRequest(as, client, accessToken, http);
    if (response.status === 401) throw revoked(declaration, 'userinfo answered 401');
    // OIDC Core §5.3.2: "The sub Claim in the UserInfo Response MUST be verified to exactly match"
    return oauth.processUserInfoResponse(as, client, subject, response);
  }

  async function guarded<T>(work: () => Promise<T>, presented?: 'code' | 'refresh_token'): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw trouble(declaration, error, presented);
    }
  }

  function callbackOf(
    as: oauth.AuthorizationServer,
    state: string,
    callback: URLSearchParams,
  ): URLSearchParams {
    try {
      // State, RFC 9207 iss and repeated parameters; nothing has been sent to the upstream yet.
      const checked = oauth.validateAuthResponse(as, client, callback, state);
      const [code, second] = checked.getAll('code');
      if (!code || second !== undefined) throw mixedUp(declaration, 'there is not one code in the callback');
      return checked;
    } catch (error) {
      if (error instanceof oauth.AuthorizationResponseError)
        throw refusedAtAuthorization(declaration, error.error);
      if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError)
        throw mixedUp(declaration, error.message);
      throw error;
    }
  }

  return {
    kind: declaration.kind,

    /** As the metadata says, once it has been read. */
    get can() {
      const known = discovery.known();
      return {
        signIn: declaration.signIn,
        refresh: grants()?.includes('refresh_token') ?? true,
        revoke: habits.revoke ?? (known ? known.revocation_endpoint !== undefined : true),
        groups: known ? known.userinfo_endpoint !== undefined && habits.userinfo : habits.userinfo,
        downScope: grants()?.includes(TOKEN_EXCHANGE) ?? false,
      };
    },

    learn: () => guarded(async () => void (await discovery.get())),

    authorizationUrl: (given) =>
      guarded(async () => {
        const as = await discovery.get();
        const parameters = new URLSearchParams({
          response_type: 'code',
          client_id: declaration.clientId,
          redirect_uri: given.redirectUri,
          scope: given.scopes.join(' '),
          state: given.state,
          nonce: given.nonce,
          // RFC 7636: sent also where the metadata does not speak of it; who does not know it ignores it.
          code_challenge: await oauth.calculatePKCECodeChallenge(given.codeVerifier),
          code_challenge_method: 'S256',
          ...(given.loginHint !== undefined && { login_hint: given.loginHint }),
          ...(given.prompt !== undefined && { prompt: given.prompt }),
          ...target(connects(given.scopes)),
        });
        habits.authorization?.(parameters, declaration);
        if (connects(given.scopes)) habits.offline(parameters, as.scopes_supported);
        const url = new URL(as.authorization_endpoint as string);
        if (!as.require_pushed_authorization_requests) {
          for (const [name, value] of parameters) url.searchParams.set(name, value);
          return url;
        }
        const response = await oauth.pushedAuthorizationRequest(
          as,
          client,
          await authentication(as),
          parameters,
          http,
        );
        const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, response);
        url.searchParams.set('client_id', declaration.clientId);
        url.searchParams.set('request_uri', request_uri);
        return url;
      }),

    redeem: (transaction: Transaction, callback) =>
      guarded(async () => {
        const as = await discovery.get();
        const code = callbackOf(as, transaction.state, callback);
        const { redirectUri, codeVerifier, nonce, scopes } = transaction;
        const options = { ...http, additionalParameters: target(connects(scopes)) };
        const auth = await authentication(as);
        const response = await oauth.authorizationCodeGrantRequest(
          as,
          client,
          auth,
          code,
          redirectUri,
          codeVerifier,
          options,
        );
        const answer = await oauth.processAuthorizationCodeResponse(as, client, response, {
          expectedNonce: nonce,
          requireIdToken: true,
        });
        const tokens = tokensOf(declaration, answer, { asked: scopes, now: clock() });
        const claims = await claimsOf(as, answer);
        const said = personOf(claims, as.issuer, declaration.groupsClaim);
        const person = habits.person?.(said, claims) ?? said;
        const { accessToken } = tokens;
        const all = person.groupsIncomplete
          ? await habits.allGroups?.({ door, metadata: { ...as }, hosts, accessToken })
          : undefined;
        if (!all) return { tokens, person };
        return { tokens, person: { ...person, groups: all.groups, groupsIncomplete: all.incomplete } };
      }),

    refresh: (tokens) =>
      guarded(async () => {
        if (tokens.refreshToken === undefined) throw revoked(declaration, 'there is no refresh token');
        const as = await discovery.get();
        const options = { ...http, additionalParameters: target(connects(tokens.scopes)) };
        const auth = await authentication(as);
        const response = await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refreshToken, options);
        const answer = await oauth.processRefreshTokenResponse(as, client, response);
        // RFC 6749 §6: without a new refresh token, the one that was sent stays.
        return {
          refreshToken: tokens.refreshToken,
          ...tokensOf(declaration, answer, { asked: tokens.scopes, now: clock() }),
        };
      }, 'refresh_token'),

    revoke: (tokens) =>
      guarded(async () => {
        const as = await discovery.get();
        if (as.revocation_endpoint === undefined) return;
        for (const [hint, token] of [
          ['refresh_token', tokens.refreshToken],
          ['access_token', tokens.accessToken],
        ] as const) {
          if (token === undefined) continue;
          const options = { ...http, additionalParameters: { token_type_hint: hint } };
          const response = await oauth.revocationRequest(
            as,
            client,
            await authentication(as),
            token,
            options,
          );
          await oauth.processRevocationResponse(response).catch((error: unknown) => {
            // RFC 7009 §2.2.1: one who does not revoke access tokens says so; they run out by themselves.
            if (!(error instanceof oauth.ResponseBodyError && error.error === 'unsupported_token_type'))
              throw error;
          });
        }
      }),

    groups: (tokens, subject) =>
      guarded(async () => {
        const claims = await userinfo(await discovery.get(), tokens.accessToken, subject);
        const said = claims[declaration.groupsClaim];
        return said === undefined ? undefined : groupsOf(said);
      }, 'refresh_token'),

    downScope: (tokens: UpstreamTokens, scopes) =>
      guarded(async () => {
        const as = await discovery.get();
        const parameters = {
          subject_token: tokens.accessToken,
          subject_token_type: ACCESS_TOKEN,
          requested_token_type: ACCESS_TOKEN,
          scope: scopes.join(' '),
          ...target(true),
        };
        const response = await oauth.genericTokenEndpointRequest(
          as,
          client,
          await authentication(as),
          TOKEN_EXCHANGE,
          parameters,
          http,
        );
        const answer = await oauth.processGenericTokenEndpointResponse(as, client, response);
        const wider = scopesIn(answer.scope ?? '').find((scope) => !scopes.includes(scope));
        if (wider !== undefined) throw misbehaved(declaration, 'it gave more scopes than were asked for');
        return tokensOf(declaration, answer, { asked: scopes, now: clock() });
      }, 'refresh_token'),

    test: (redirectUri) =>
      findings({ declaration, discovery, signed, authentication, client, http, redirectUri }),
  };
}
