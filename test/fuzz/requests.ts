// Real flows, stopped at every step, and with them every request there is: the seeds that fuzzing changes; and the
// secrets that were in them. Called by fuzz.test.ts.

import type { Cardea } from '../support/cardea.ts';
import { ACCESS_TOKEN, TOKEN_EXCHANGE, vaultConfig } from '../support/exchange.ts';
import { pkce } from '../support/flow.ts';
import { person } from '../support/person.ts';
import { controlsOf, formsOf } from '../support/person-form.ts';
import { basicConfig, RESOURCE, SERVER } from '../support/server.ts';
import { pages } from './pages.ts';
import { programs } from './programs.ts';
import { basic, type Pairs, type Shot } from './shot.ts';

export const REDIRECT = 'http://127.0.0.1:3999/callback';
export const PASSWORD = 'canary-password-of-alex-0001';
export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
export const CONFIDENTIAL = {
  id: 'app',
  name: 'An app',
  secret: 'canary-secret-of-the-app-0000000002',
  redirect_uris: ['https://app.example/cb'],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials', DEVICE_GRANT],
  resources: [{ uri: RESOURCE, scopes: ['library:read', 'library:write'] }],
};
/** Where the server may send a browser to; the last one is the company's. */
export const registered = (company: string) => [REDIRECT, ...CONFIDENTIAL.redirect_uris, `${company}/auth`];
export const config = (company: string) => ({
  ...basicConfig,
  ...vaultConfig(company),
  clients: [CONFIDENTIAL],
  limits: { sign_ins: 0, registrations: 0, unproven_registrations: 0 },
});

type Body = Record<string, string>;

async function told(issuer: string, path: string, body: Body | string, ...headers: Pairs): Promise<Body> {
  const form = typeof body !== 'string';
  const answer = await fetch(issuer + path, {
    method: 'POST',
    body: form ? new URLSearchParams(body) : body,
    headers: form ? headers : [...headers, ['content-type', 'application/json']],
  });
  return (await answer.json()) as Body;
}

export type Scene = Awaited<ReturnType<typeof scene>>;

/** One of everything that a person or a program can hold, some of it used, most of it not. */
async function scene({ issuer }: Pick<Cardea, 'issuer'>, client: string) {
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
  const grant = {
    grant_type: 'authorization_code',
    client_id: client,
    redirect_uri: REDIRECT,
    code_verifier: verifier,
    resource: RESOURCE,
  };
  const url = `${issuer}/authorize?${new URLSearchParams(asked)}`;
  const approve = async () => new URL(await alex.approve(url)).searchParams.get('code') ?? '';
  const spent = await approve();
  const tokens = await told(issuer, '/token', { ...grant, code: spent });
  const code = await approve();
  const page = await alex.visit(url); // left at the consent page, to be answered by whatever comes

  const own = basic(CONFIDENTIAL);
  const pushed = await told(
    issuer,
    '/par',
    { ...asked, client_id: CONFIDENTIAL.id, redirect_uri: 'https://app.example/cb' },
    own,
  );
  const device = await told(issuer, '/device_authorization', { resource: RESOURCE }, own);
  const typing = await alex.visit(`${issuer}/device`);
  const deciding = await alex.send(
    typing,
    ({ controls }) => controls.some(({ name }) => name === 'user_code'),
    {
      user_code: device['user_code'] ?? '',
    },
  );
  const managed = await told(
    issuer,
    '/register',
    JSON.stringify({
      redirect_uris: ['https://managed.example/cb'],
      token_endpoint_auth_method: 'client_secret_post',
    }),
  );
  const subject = {
    grant_type: TOKEN_EXCHANGE,
    subject_token: tokens['access_token'] ?? '',
    subject_token_type: ACCESS_TOKEN,
    audience: 'weather',
  };
  const linkFor = async (audience: string) =>
    (await told(issuer, '/token', { ...subject, audience }, basic(SERVER)))['connect_uri'];
  // until one of the changed requests has connected it
  const link = (await linkFor('weather')) ?? (await linkFor('company'));

  const cookie = (path: string): [string, string] => [
    'Cookie',
    alex.cookies.header(new URL(issuer + path)) ?? '',
  ];
  const fields = (html: string, at: URL): Pairs =>
    formsOf(html, at)
      .flatMap(({ controls }) => controls)
      .filter(({ name }) => name)
      .map(({ name, value }) => [name, value]);
  /** A page of alex's, and its path. */
  const seen = async (address: string) => {
    const view = await alex.visit(new URL(address, issuer).href);
    return { path: view.url.pathname, fields: fields(view.html, view.url) };
  };
  return {
    issuer,
    asked,
    grant,
    code,
    spent,
    tokens,
    pushed,
    device,
    managed,
    subject,
    cookie,
    uid: page.url.pathname.split('/').at(-1) ?? '',
    consent: fields(page.html, page.url),
    csrf: controlsOf(page.html).find(({ name }) => name === 'csrf')?.value ?? '',
    deciding: fields(deciding.html, deciding.url),
    typing: fields(typing.html, typing.url),
    connections: (await seen('/connections')).fields,
    connect: await seen(link ?? '/'),
  };
}

/** Every request there is, with secrets that are worth looking for in the log. */
export async function recorded(cardea: Pick<Cardea, 'issuer'>, client: string) {
  const here = await scene(cardea, client);
  const shots: Shot[] = [...programs(here), ...pages(here)];
  const cookies = here
    .cookie(`/interaction/${here.uid}`)[1]
    .split('; ')
    .map((each) => each.slice(each.indexOf('=') + 1));
  const secrets = [
    PASSWORD,
    CONFIDENTIAL.secret,
    SERVER.secret,
    'canary-of-a-setup-link-0000000003',
    here.code,
    here.spent,
    here.grant.code_verifier,
    here.tokens['access_token'],
    here.tokens['refresh_token'],
    // so many of them in a short time are too many
    ...(here.device['error'] === 'temporarily_unavailable' ? [] : [here.device['device_code']]),
    here.managed['client_secret'],
    here.managed['registration_access_token'],
    here.connect.path.split('/').at(-1),
    here.csrf,
    ...cookies,
  ];
  const had = secrets.map((each) => each ?? '');
  if (had.includes('')) throw new Error('a step of the recorded flows gave nothing');
  return { shots, secrets: had.filter((each) => each.length >= 16) };
}
