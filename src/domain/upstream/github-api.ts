// How GitHub's web site and REST API answer: JSON or a form, errors under status 200, lists by the page.

import { z } from 'zod';
import type { OAuthUpstream } from '../../config.ts';
import type { Door } from './door.ts';
import { codeRefused, misbehaved, misconfigured, revoked, unavailable } from './trouble.ts';

const PAGE = 100;
const MOST_PAGES = 5;

export type GitHubApi = ReturnType<typeof githubApi>;

export function githubApi({ declaration, door }: { declaration: OAuthUpstream; door: Door }) {
  const web = declaration.issuer;
  // An Enterprise Server has its API below its own address.
  const api = web === 'https://github.com' ? 'https://api.github.com' : `${web}/api/v3`;
  const secret = (): string => declaration.credential?.value.reveal() ?? '';

  function awake(response: Response): Response {
    const { status } = response;
    // A request too many answers 403 or 429, and says when to come back.
    const limited = status === 403 && response.headers.get('x-ratelimit-remaining') === '0';
    if (status === 429 || status >= 500 || limited) throw unavailable(declaration, `it answered ${status}`);
    return response;
  }

  return {
    web,
    /** What its token endpoint answered. Throws a Refusal for every error that it knows. */
    async token(parameters: Record<string, string>): Promise<Record<string, unknown>> {
      const presented = 'refresh_token' in parameters ? 'refresh_token' : 'code';
      const response = awake(
        await door(`${web}/login/oauth/access_token`, {
          method: 'POST',
          headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({
            ...parameters,
            client_id: declaration.clientId,
            client_secret: secret(),
          }),
        }),
      );
      const said = fields(await response.text(), response.headers.get('content-type') ?? '');
      if (!said) throw misbehaved(declaration, 'its token endpoint answered neither JSON nor a form');
      switch (said['error']) {
        case undefined:
          break;
        case 'bad_verification_code':
          throw codeRefused(declaration, 'it answered bad_verification_code');
        case 'bad_refresh_token':
          throw revoked(declaration, 'it answered bad_refresh_token');
        default:
          if (presented === 'code' && said['error'] === 'unverified_user_email')
            throw misconfigured(declaration, 'the person has no verified e-mail address there');
          // incorrect_client_credentials, redirect_uri_mismatch, and what it may think of next
          throw misconfigured(
            declaration,
            `it answered ${/^[a-z_]{1,64}$/.exec(String(said['error'])) ?? 'an odd error'}`,
          );
      }
      if (response.status !== 200)
        throw misbehaved(declaration, `its token endpoint answered ${response.status}`);
      return said;
    },

    /** One resource of the API, or undefined where these tokens may not see it. */
    async get<T>(path: string, accessToken: string, shape: z.ZodType<T>): Promise<T | undefined> {
      const response = awake(await door(api + path, { headers: headers(`Bearer ${accessToken}`) }));
      if (response.status === 401) throw revoked(declaration, `${path} answered 401`);
      if (response.status === 403 || response.status === 404) return undefined;
      const parsed = shape.safeParse(
        response.status === 200 ? await response.json().catch(() => undefined) : undefined,
      );
      if (!parsed.success)
        throw misbehaved(declaration, `${path} answered ${response.status} and something unreadable`);
      return parsed.data;
    },

    /** Every entry of a list; `complete` is false where there are more, or they may not be seen. */
    async list<T>(
      path: string,
      accessToken: string,
      entry: z.ZodType<T>,
    ): Promise<{ entries: T[]; complete: boolean }> {
      const entries: T[] = [];
      for (let page = 1; page <= MOST_PAGES; page += 1) {
        const some = await this.get(`${path}?per_page=${PAGE}&page=${page}`, accessToken, z.array(entry));
        if (!some) return { entries, complete: false };
        entries.push(...some);
        if (some.length < PAGE) return { entries, complete: true };
      }
      return { entries, complete: false };
    },

    /** Whether this token of the application is alive; asked of GitHub without using it. */
    checkToken: (accessToken: string): Promise<boolean> => asApplication('POST', 'token', accessToken),

    /** Ends everything that the application may do for whose token this is; false when the token is not alive. */
    endGrant: (accessToken: string): Promise<boolean> => asApplication('DELETE', 'grant', accessToken),
  };

  /** What only the application itself may do with a token of its own; false when the token is not alive. */
  async function asApplication(
    method: 'POST' | 'DELETE',
    what: string,
    accessToken: string,
  ): Promise<boolean> {
    const basic = Buffer.from(`${declaration.clientId}:${secret()}`).toString('base64');
    const response = awake(
      await door(`${api}/applications/${encodeURIComponent(declaration.clientId)}/${what}`, {
        method,
        headers: { ...headers(`Basic ${basic}`), 'content-type': 'application/json' },
        body: JSON.stringify({ access_token: accessToken }),
      }),
    );
    if (response.status === 200 || response.status === 204) return true;
    if (response.status === 404 || response.status === 422) return false;
    throw misconfigured(declaration, `applications/…/${what} answered ${response.status}`);
  }
}

const headers = (authorization: string) => ({
  accept: 'application/vnd.github+json',
  'x-github-api-version': '2022-11-28',
  authorization,
});

function fields(text: string, type: string): Record<string, unknown> | undefined {
  if (type.startsWith('application/x-www-form-urlencoded'))
    return Object.fromEntries(new URLSearchParams(text));
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
