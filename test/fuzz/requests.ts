// Real requests to every endpoint, recorded from a real flow, as the seeds that fuzzing changes; and the secrets
// that were in them. Called by fuzz.test.ts.

import type { Cardea } from '../support/cardea.ts';
import { pkce } from '../support/flow.ts';
import { person } from '../support/person.ts';
import { controlsOf, formsOf } from '../support/person-form.ts';
import { basicConfig, RESOURCE, SERVER } from '../support/server.ts';

/** As it goes over the wire: `query` and `form` are pairs in order, so that they can be repeated. */
export type Shot = {
  method: string;
  path: string;
  query: [string, string][];
  headers: [string, string][];
  form?: [string, string][];
  json?: Record<string, unknown>;
};

export const REDIRECT = 'http://127.0.0.1:3999/callback';
export const PASSWORD = 'canary-password-of-alex-0001';
export const CONFIDENTIAL = {
  id: 'app',
  name: 'An app',
  secret: 'canary-secret-of-the-app-0000000002',
  redirect_uris: ['https://app.example/cb'],
};
/** Where the server may send a browser to; nobody else's address is registered. */
export const REGISTERED = [REDIRECT, ...CONFIDENTIAL.redirect_uris];
export const config = { ...basicConfig, clients: [CONFIDENTIAL] };

const basic = ({ id, secret }: { id: string; secret: string }): [string, string] => [
  'Authorization',
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
];
const pairs = (fields: Record<string, string>): [string, string][] => Object.entries(fields);
const BROWSER: [string, string] = ['Accept', 'text/html,application/xhtml+xml'];

/** A fresh flow, stopped at every step, and every request there is. Its secrets are worth looking for in the log. */
export async function recorded({ issuer }: Pick<Cardea, 'issuer'>, client: string) {
  const alex = person({ username: 'alex', password: PASSWORD });
  await alex.signIn(issuer);
  const { verifier, challenge } = pkce();
  const asked = {
    response_type: 'code',
    client_id: client,
    redirect_uri: REDIRECT,
    resource: RESOURCE,
    scope: 'library:read library:write',
    state: 'a/state=with+signs',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  };
  const url = `${issuer}/authorize?${new URLSearchParams(asked)}`;
  const approve = async () => new URL(await alex.approve(url)).searchParams.get('code') ?? '';
  const redeem = async (code: string) => {
    const body = new URLSearchParams({ ...grant, code });
    const answer = await fetch(`${issuer}/token`, { method: 'POST', body });
    return (await answer.json()) as { access_token: string; refresh_token: string };
  };
  const grant = {
    grant_type: 'authorization_code',
    client_id: client,
    redirect_uri: REDIRECT,
    code_verifier: verifier,
    resource: RESOURCE,
  };
  const spent = await approve();
  const tokens = await redeem(spent);
  const code = await approve();
  const page = await alex.visit(url); // left at the consent page, to be answered by whatever comes
  const uid = page.url.pathname.split('/').at(-1) ?? '';
  const cookie = (path: string): [string, string] => [
    'Cookie',
    alex.cookies.header(new URL(issuer + path)) ?? '',
  ];
  const fields = (html: string, at: URL): [string, string][] =>
    formsOf(html, at)
      .flatMap(({ controls }) => controls)
      .filter(({ name }) => name)
      .map(({ name, value }) => [name, value]);
  const own = await alex.visit(`${issuer}/connections`);
  const signing = [...pairs({ username: 'alex', password: PASSWORD }), ['csrf', 'x'] as [string, string]];
  const origin: [string, string] = ['Origin', issuer];

  const get = (path: string, ...headers: [string, string][]): Shot => ({
    method: 'GET',
    path,
    query: [],
    headers,
  });
  const post = (path: string, form: [string, string][], ...headers: [string, string][]): Shot => ({
    method: 'POST',
    path,
    query: [],
    headers,
    form,
  });
  const shots: Shot[] = [
    { ...get('/authorize', BROWSER, cookie('/authorize')), query: pairs(asked) },
    { ...get('/authorize', BROWSER), query: pairs({ ...asked, prompt: 'none' }) },
    { ...get('/authorize', ['Accept', 'application/json']), query: pairs(asked) },
    {
      ...get('/authorize'),
      query: pairs({ ...asked, client_id: CONFIDENTIAL.id, redirect_uri: 'https://app.example/cb' }),
    },
    // going on with nothing to go on with, as if it were a new request (one that names no redirect_uri)
    { ...get(`/authorize/${uid}`, BROWSER), query: pairs(asked).filter(([name]) => name !== 'redirect_uri') },
    get(`/authorize/${uid}`, BROWSER, cookie(`/authorize/${uid}`)),
    post('/token', pairs({ ...grant, code })),
    post('/token', pairs({ ...grant, code: spent })),
    post('/token', pairs({ ...grant, code, client_secret: CONFIDENTIAL.secret }), basic(CONFIDENTIAL)),
    post(
      '/token',
      pairs({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: client }),
    ),
    post('/introspect', pairs({ token: tokens.access_token }), basic(SERVER)),
    post(
      '/introspect',
      pairs({ token: tokens.refresh_token, token_type_hint: 'refresh_token' }),
      basic(SERVER),
    ),
    post('/revoke', pairs({ token: tokens.access_token, client_id: client })),
    {
      ...get('/register'),
      method: 'POST',
      json: {
        client_name: 'A fuzzed client',
        redirect_uris: ['http://127.0.0.1:3998/other'],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
        scope: 'library:read',
        client_uri: 'https://app.example',
        contacts: ['a@app.example'],
        jwks: { keys: [] },
      },
    },
    get('/jwks'),
    get('/.well-known/oauth-authorization-server'),
    get('/.well-known/openid-configuration'),
    get('/.well-known/oauth-authorization-server/mcp'),
    get(`/interaction/${uid}`, BROWSER, cookie(`/interaction/${uid}`)),
    post(`/interaction/${uid}`, fields(page.html, page.url), BROWSER, origin, cookie(`/interaction/${uid}`)),
    get('/sign-in', BROWSER),
    post('/sign-in', signing, BROWSER, origin, cookie('/sign-in')),
    get('/sign-out', BROWSER, cookie('/sign-out')),
    post('/sign-out', [['csrf', 'x']], BROWSER, origin, cookie('/sign-out')),
    get('/connections', BROWSER, cookie('/connections')),
    post('/connections/end', fields(own.html, own.url), BROWSER, origin, cookie('/connections/end')),
    post('/connections/end-all', fields(own.html, own.url), BROWSER, origin, cookie('/connections/end-all')),
    get('/setup/canary-of-a-setup-link-0000000003', BROWSER),
    post('/setup/canary-of-a-setup-link-0000000003', [...signing, ['repeat', PASSWORD]], BROWSER, origin),
    get('/health'),
    get('/ready'),
    get('/', BROWSER, cookie('/')),
    get('/public/cardea.css'),
    get('/metrics'),
    get('/par'),
    get('/device'),
    get('/userinfo', ['Authorization', `Bearer ${tokens.access_token}`]),
    get('/no/such/page', BROWSER),
  ];
  const cookies = (alex.cookies.header(new URL(`${issuer}/interaction/${uid}`)) ?? '')
    .split('; ')
    .map((each) => each.slice(each.indexOf('=') + 1));
  const csrf = controlsOf(page.html).find(({ name }) => name === 'csrf')?.value ?? '';
  const secrets = [
    PASSWORD,
    CONFIDENTIAL.secret,
    SERVER.secret,
    'canary-of-a-setup-link-0000000003',
    code,
    spent,
    verifier,
    tokens.access_token,
    tokens.refresh_token,
    csrf,
    ...cookies,
  ];
  return { shots, secrets: secrets.filter((each) => each.length >= 16) };
}
