// The connector for GitHub, which is OAuth 2.0 and no OpenID provider: OAuth Apps (tokens that last) and GitHub Apps
// (tokens of eight hours with single-use refresh tokens), on github.com or an Enterprise Server. A person is their
// number: a login can be renamed, and given to somebody else.

import { calculatePKCECodeChallenge } from 'oauth4webapi';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { OAuthUpstream } from '../../config.ts';
import { domainOf, text } from './claims.ts';
import type { Connector, Finding, UpstreamPerson, UpstreamTokens } from './connector.ts';
import type { Door } from './door.ts';
import { whyNot } from './findings.ts';
import { githubApi } from './github-api.ts';
import { type TokenAnswer, tokensOf } from './tokens.ts';
import { misbehaved, mixedUp, refusedAtAuthorization, revoked } from './trouble.ts';

const USER = z.object({
  id: z.number().int().positive().max(Number.MAX_SAFE_INTEGER),
  login: z.string(),
  name: z.string().nullish(),
});
const EMAIL = z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() });
const ORGANISATION = z.object({ login: z.string() });
const TEAM = z.object({ slug: z.string(), organization: z.object({ login: z.string() }) });
const seconds = z.coerce.number().finite().nonnegative().optional();
const ANSWER = z.object({
  access_token: z.string().min(1),
  token_type: z.string(),
  scope: z.string().optional(),
  expires_in: seconds,
  refresh_token: z.string().min(1).optional(),
});

/** With one of these it tells private memberships too. */
const SEES_ORGANISATIONS = ['read:org', 'write:org', 'admin:org'];

export function github({
  declaration,
  door,
  clock,
}: {
  declaration: OAuthUpstream;
  door: Door;
  clock: Clock;
}): Connector {
  const api = githubApi({ declaration, door });
  // A GitHub App ignores scopes; there `read:org` only says that groups are wanted.
  const wantsGroups =
    declaration.allow.groups.length > 0 ||
    declaration.scopes.some((scope) => SEES_ORGANISATIONS.includes(scope));

  function tokens(answer: Record<string, unknown>, asked: readonly string[]): UpstreamTokens {
    const parsed = ANSWER.safeParse(answer);
    if (!parsed.success)
      throw misbehaved(declaration, 'its token answer lacks a member or has one of a wrong type');
    return tokensOf(declaration, parsed.data satisfies TokenAnswer, { asked, now: clock() });
  }

  async function groupsOf(accessToken: string): Promise<{ groups: string[]; incomplete?: boolean }> {
    const organisations = await api.list('/user/orgs', accessToken, ORGANISATION);
    const teams = await api.list('/user/teams', accessToken, TEAM);
    const groups = [
      ...organisations.entries.map(({ login }) => login),
      ...teams.entries.map(({ organization, slug }) => `${organization.login}/${slug}`),
    ];
    const complete = organisations.complete && teams.complete;
    return { groups: [...new Set(groups)], ...(!complete && { incomplete: true }) };
  }

  async function personOf({ accessToken, scopes }: UpstreamTokens): Promise<UpstreamPerson> {
    const user = await api.get('/user', accessToken, USER);
    if (!user) throw misbehaved(declaration, 'it does not say who its token is of');
    // An OAuth App without this scope would be told nothing; a GitHub App has no scopes and may be.
    const mayAsk = scopes.length === 0 || scopes.includes('user:email') || scopes.includes('user');
    const emails = mayAsk ? await api.list('/user/emails', accessToken, EMAIL) : undefined;
    const primary = emails?.entries.find((each) => each.primary);
    const domain = primary?.verified ? domainOf(primary.email) : undefined;
    const { groups, incomplete } = wantsGroups
      ? await groupsOf(accessToken)
      : { groups: [], incomplete: false };
    const name = text(user.name);
    return {
      issuer: declaration.issuer,
      subject: String(user.id),
      ...(name !== undefined && { name }),
      username: user.login,
      ...(primary && { email: primary.email, emailVerified: primary.verified }),
      ...(domain !== undefined && { domain }),
      groups,
      ...(incomplete && { groupsIncomplete: true }),
    };
  }

  async function refresh(given: UpstreamTokens): Promise<UpstreamTokens> {
    if (given.refreshToken === undefined) throw revoked(declaration, 'there is no refresh token');
    const answer = await api.token({ grant_type: 'refresh_token', refresh_token: given.refreshToken });
    return tokens(answer, given.scopes);
  }

  /** The code, once everything that can be known beforehand is right. */
  function codeOf(callback: URLSearchParams, state: string): string {
    for (const name of ['state', 'code', 'error', 'iss'])
      if (callback.getAll(name).length > 1) throw mixedUp(declaration, `${name} is there twice`);
    if (callback.get('state') !== state) throw mixedUp(declaration, 'the state is another one');
    // RFC 9207 §2.4: compared where it is sent.
    const iss = callback.get('iss');
    if (iss !== null && iss !== declaration.issuer && iss !== `${declaration.issuer}/login/oauth`)
      throw mixedUp(declaration, 'the answer is of another issuer');
    const error = callback.get('error');
    if (error !== null) throw refusedAtAuthorization(declaration, error);
    const code = callback.get('code');
    if (!code) throw mixedUp(declaration, 'there is no code in the callback');
    return code;
  }

  async function test(): Promise<Finding[]> {
    try {
      await api.token({ code: 'a-code-that-does-not-exist', code_verifier: 'x'.repeat(43) });
      return [{ ok: false, what: 'It accepted a code that does not exist.', hint: 'Do not use it.' }];
    } catch (error) {
      const { reason, why } = whyNot(declaration, error);
      if (reason === 'upstream_code_refused')
        return [{ ok: true, what: 'It accepts the client id and its secret.' }];
      const hint =
        reason === 'upstream_unavailable'
          ? 'Is the address right, and can this machine reach it? Only public https addresses are asked.'
          : 'Compare client_id and client_secret with the application’s settings at GitHub.';
      return [{ ok: false, what: `Its token endpoint cannot be used: ${why}.`, hint }];
    }
  }

  return {
    kind: 'github',
    can: { signIn: declaration.signIn, refresh: true, revoke: true, groups: wantsGroups, downScope: false },

    async authorizationUrl({ state, redirectUri, scopes, codeVerifier, loginHint, prompt }) {
      const url = new URL(`${api.web}/login/oauth/authorize`);
      url.search = new URLSearchParams({
        client_id: declaration.clientId,
        redirect_uri: redirectUri,
        scope: scopes.join(' '),
        state,
        code_challenge: await calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        ...(loginHint !== undefined && { login: loginHint }),
        // The only value that it knows.
        ...(prompt === 'select_account' && { prompt }),
      }).toString();
      return url;
    },

    async redeem({ state, redirectUri, codeVerifier, scopes }, callback) {
      const code = codeOf(callback, state);
      const answer = await api.token({ code, redirect_uri: redirectUri, code_verifier: codeVerifier });
      const issued = tokens(answer, scopes);
      return { tokens: issued, person: await personOf(issued) };
    },

    refresh,

    async revoke(given) {
      if (await api.endGrant(given.accessToken)) return;
      // GitHub finds the grant by a living token only; with a refresh token there may be one more.
      if (given.refreshToken === undefined) return;
      const alive = await refresh(given).catch(() => undefined);
      if (alive) await api.endGrant(alive.accessToken);
    },

    alive: ({ accessToken }) => api.checkToken(accessToken),
    groups: ({ accessToken }) => groupsOf(accessToken),

    test,
  };
}
