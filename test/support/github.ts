// A GitHub look-alike, as an Enterprise Server is reached: the web pages at its address, the API below /api/v3.
// Faithful where it matters: answers are forms unless JSON is asked for, errors come with status 200, a person is a
// number and a login, refresh tokens work once, lists come by the page, private memberships need read:org.

import { createHash } from 'node:crypto';
import { random } from '../../src/crypto.ts';
import { mischievous } from './upstream-mischief.ts';

export type GitHubPerson = {
  id: number | string;
  login: string;
  name?: string | null;
  emails: { email: string; primary: boolean; verified: boolean }[];
  /** Organisations, with the slugs of teams in them. */
  orgs: { login: string; private?: boolean; teams: string[] }[];
};

export const octo = (): GitHubPerson => ({
  id: 583_231,
  login: 'octo',
  name: 'Octo Cat',
  emails: [
    { email: 'octo@home.example', primary: false, verified: true },
    { email: 'octo@corp.example', primary: true, verified: true },
  ],
  orgs: [
    { login: 'acme', teams: ['librarians'] },
    { login: 'hidden', private: true, teams: [] },
  ],
});

type Token = { person: GitHubPerson; scopes: string[]; alive: boolean };

export type GitHub = Awaited<ReturnType<typeof github>>;

/** `app` is a GitHub App: its tokens expire and are refreshed, and scopes mean nothing to it. */
export async function github({
  clientId = 'Iv1.cardea',
  secret = 'a secret at github, 0001',
  app = false,
  people = [octo()],
} = {}) {
  const codes = new Map<
    string,
    { person: GitHubPerson; scopes: string[]; redirectUri: string; challenge: string }
  >();
  const tokens = new Map<string, Token>();
  const refreshTokens = new Map<string, Token>();
  const counts = { refreshed: 0, ended: 0 };

  function issue(person: GitHubPerson, scopes: string[]): Record<string, string | number> {
    const value = `${app ? 'ghu' : 'gho'}_${random(27)}`;
    const token: Token = { person, scopes, alive: true };
    tokens.set(value, token);
    if (!app) return { access_token: value, token_type: 'bearer', scope: scopes.join(',') };
    const refresh = `ghr_${random(57)}`;
    refreshTokens.set(refresh, token);
    return {
      access_token: value,
      expires_in: 28_800,
      refresh_token: refresh,
      refresh_token_expires_in: 15_897_600,
      scope: '',
      token_type: 'bearer',
    };
  }

  const server = await mischievous(({ method, path, headers, body }, url, response) => {
    const json = (value: unknown, status = 200): void =>
      void response
        .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
        .end(value === undefined ? '' : JSON.stringify(value));
    const form = new URLSearchParams(body);
    const page = <T>(all: T[]): T[] => {
      const size = Math.min(Number(url.searchParams.get('per_page') ?? 30), 100);
      const from = (Number(url.searchParams.get('page') ?? 1) - 1) * size;
      return all.slice(from, from + size);
    };

    if (path === '/login/oauth/authorize') {
      if (method !== 'POST') {
        const buttons = people.map(
          ({ login }) => `<p><button name="login" value="${login}">${login}</button></p>`,
        );
        const html = `<!doctype html><title>Sign in to GitHub</title><form method="post">${buttons.join('')}<p><button name="cancel" value="1">Cancel</button></p></form>`;
        return void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
      }
      const person = form.has('cancel') ? undefined : people.find(({ login }) => login === form.get('login'));
      const back = new URL(url.searchParams.get('redirect_uri') ?? '');
      back.searchParams.set('state', url.searchParams.get('state') ?? '');
      if (person) back.searchParams.set('code', codeFor(url, person));
      else {
        back.searchParams.set('error', 'access_denied');
        back.searchParams.set('error_description', 'The user has denied your application access.');
      }
      return void response.writeHead(302, { location: back.href }).end();
    }

    if (path === '/login/oauth/access_token') {
      const answer = tokenAnswer(form);
      if (headers.accept?.includes('application/json')) return json(answer);
      const fields = Object.entries(answer).map(([name, value]): [string, string] => [name, String(value)]);
      return void response
        .writeHead(200, { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' })
        .end(new URLSearchParams(fields).toString());
    }

    const [, what] = path.split(`/api/v3/applications/${clientId}/`);
    if ((what === 'grant' && method === 'DELETE') || (what === 'token' && method === 'POST')) {
      const basic = `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`;
      if (headers.authorization !== basic) return json({ message: 'Bad credentials' }, 401);
      const token = tokens.get(String((JSON.parse(body) as { access_token: unknown }).access_token));
      if (!token?.alive) return json({ message: 'Not Found' }, 404);
      if (what === 'token') return json({ id: 1, user: { login: token.person.login } });
      for (const each of [...tokens.values(), ...refreshTokens.values()])
        if (each.person.id === token.person.id) each.alive = false;
      counts.ended += 1;
      return void response.writeHead(204).end();
    }

    const token = tokens.get(/^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? '');
    if (!path.startsWith('/api/v3/')) return json({ message: 'Not Found' }, 404);
    if (!token?.alive) return json({ message: 'Bad credentials' }, 401);
    const { person, scopes } = token;
    const has = (...any: string[]) => app || any.some((scope) => scopes.includes(scope));
    const orgs = person.orgs.filter((org) => !org.private || has('read:org', 'admin:org'));
    switch (path.slice('/api/v3'.length)) {
      case '/user':
        return json({
          id: person.id,
          login: person.login,
          name: person.name ?? null,
          email: null,
          type: 'User',
        });
      case '/user/emails':
        return has('user:email', 'user') ? json(page(person.emails)) : json({ message: 'Not Found' }, 404);
      case '/user/orgs':
        return json(page(orgs.map(({ login }) => ({ login }))));
      case '/user/teams':
        return has('read:org', 'admin:org')
          ? json(
              page(
                orgs.flatMap(({ login, teams }) => teams.map((slug) => ({ slug, organization: { login } }))),
              ),
            )
          : json({ message: 'Must have admin rights' }, 403);
      default:
        return json({ message: 'Not Found' }, 404);
    }
  });

  function codeFor(url: URL, person: GitHubPerson): string {
    const asked = url.searchParams;
    const code = random(10);
    const scopes = (asked.get('scope') ?? '').split(' ').filter(Boolean);
    const [redirectUri, challenge] = [asked.get('redirect_uri') ?? '', asked.get('code_challenge') ?? ''];
    codes.set(code, { person, scopes, redirectUri, challenge });
    return code;
  }

  function tokenAnswer(form: URLSearchParams): Record<string, string | number> {
    const error = (code: string) => ({
      error: code,
      error_description: `The ${code} <b>of</b> the request.`,
      error_uri: 'https://docs.github.com/',
    });
    if (form.get('client_id') !== clientId || form.get('client_secret') !== secret)
      return error('incorrect_client_credentials');
    if (form.get('grant_type') === 'refresh_token') {
      const value = form.get('refresh_token') ?? '';
      const token = refreshTokens.get(value);
      refreshTokens.delete(value);
      if (!token?.alive) return error('bad_refresh_token');
      token.alive = false;
      counts.refreshed += 1;
      return issue(token.person, token.scopes);
    }
    const code = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const verifier = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (!code || code.challenge !== verifier) return error('bad_verification_code');
    if (code.redirectUri !== form.get('redirect_uri')) return error('redirect_uri_mismatch');
    return issue(code.person, code.scopes);
  }

  return {
    ...server,
    people,
    clientId,
    secret,
    counts,
    /** What the browser of `login` brings back from `url`; nobody's is who cancels. */
    async visit(url: URL, login?: string): Promise<URLSearchParams> {
      const body = new URLSearchParams(login === undefined ? { cancel: '1' } : { login });
      const response = await fetch(url, { method: 'POST', redirect: 'manual', body });
      return new URL(response.headers.get('location') ?? '').searchParams;
    },
    /** As if `login` had ended the application's access in the settings there. */
    end(login: string): void {
      for (const each of [...tokens.values(), ...refreshTokens.values()])
        if (each.person.login === login) each.alive = false;
    },
  };
}
