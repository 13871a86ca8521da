// The identity provider of an imagined company, Acme: a small OpenID provider with two people, their groups, and an API
// for their calendars. It stands for what an operator already has, so it knows nothing of Cardea.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import Provider, { type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import { memory } from './memory.ts';
import { consentPage, signInPage } from './pages.ts';
import { personOf } from './people.ts';
import { TOKEN_EXCHANGE, tokenExchange } from './token-exchange.ts';

export type CompanyClient = { id: string; secret: string; redirectUris: string[] };

export type CompanyOptions = {
  /** On 127.0.0.1; unset means a free one. */
  port?: number;
  /** Its address where that is another than the port's: behind a proxy that leaves the Host header alone. */
  issuer?: string;
  clients: CompanyClient[];
  /** Seconds that its access tokens live. */
  accessToken?: number;
};

export type Company = Awaited<ReturnType<typeof startCompany>>;

const AUTOMATIC = ['openid', 'profile', 'email'];

/** The provider, listening. Its refresh tokens work once; one that is used twice ends the connection. */
export async function startCompany({ port = 0, issuer: known, clients, accessToken = 300 }: CompanyOptions) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const issuer = known ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const configuration: Configuration = {
    adapter: memory(),
    clients: clients.map(({ id, secret, redirectUris }) => ({
      client_id: id,
      client_secret: secret,
      redirect_uris: redirectUris,
      grant_types: ['authorization_code', 'refresh_token', TOKEN_EXCHANGE],
    })),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'acme-1', alg: 'RS256', use: 'sig' }] },
    // Cookies do not know ports: on one computer, another provider's would have the same names.
    cookies: {
      keys: [issuer],
      names: { session: 'acme_session', interaction: 'acme_interaction', resume: 'acme_resume' },
    },
    scopes: ['openid', 'offline_access', 'calendar:read', 'calendar:write'],
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username', 'groups'],
      email: ['email', 'email_verified'],
    },
    features: {
      devInteractions: { enabled: false },
      revocation: {
        enabled: true,
        allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId,
      },
    },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    ttl: {
      AccessToken: accessToken,
      AuthorizationCode: 60,
      IdToken: 300,
      RefreshToken: 86_400,
      Interaction: 600,
      Session: 3_600,
      Grant: 86_400,
    },
    rotateRefreshToken: true,
    async findAccount(_ctx, id) {
      const person = personOf(id);
      if (!person) return undefined;
      const { name, email, groups } = person;
      const claims = { sub: id, name, preferred_username: id, groups, email, email_verified: true };
      return { accountId: id, claims: async () => claims };
    },
    // Being told who signed in needs no second question; anything more does.
    async loadExistingGrant({ oidc }: KoaContextWithOIDC) {
      const { client, session, params, result } = oidc;
      const known = result?.consent?.grantId ?? session?.grantIdFor(client?.clientId ?? '');
      if (known) return oidc.provider.Grant.find(known);
      const asked = String(params?.['scope'] ?? '').split(' ');
      if (!asked.every((scope) => AUTOMATIC.includes(scope))) return undefined;
      const grant = new oidc.provider.Grant({ accountId: session?.accountId, clientId: client?.clientId });
      grant.addOIDCScope(asked.join(' '));
      await grant.save();
      return grant;
    },
  };
  const provider = new Provider(issuer, configuration);
  tokenExchange(provider);
  const counts = new Map<string, number>();
  const grants = new Set<string>();
  provider.on('grant.success', (ctx) => {
    const type = String(ctx.oidc.params?.['grant_type']);
    counts.set(type, (counts.get(type) ?? 0) + 1);
    const grant = ctx.oidc.entities.Grant?.jti;
    if (grant) grants.add(grant);
  });

  const engine = provider.callback();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? '/', issuer);
    const answered = pathname.startsWith('/interaction/')
      ? interaction(request, response)
      : pathname === '/calendar'
        ? calendar(request, response)
        : engine(request, response);
    Promise.resolve(answered).catch(() => response.writeHead(400).end('This page is too old. Start again.'));
  });

  async function interaction(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { uid, prompt, params, session, grantId } = await provider.interactionDetails(request, response);
    const scopes = String(params['scope'] ?? '').split(' ');
    if (request.method !== 'POST') {
      const html = prompt.name === 'login' ? signInPage(uid) : consentPage(uid, scopes);
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
      return;
    }
    const finish = (result: Record<string, unknown>) =>
      provider.interactionFinished(request, response, result);
    const answer = new URLSearchParams(await bodyOf(request));
    if (answer.has('cancel')) return finish({ error: 'access_denied', error_description: 'They went away.' });
    if (prompt.name === 'login') {
      const login = answer.get('login') ?? '';
      return personOf(login) ? finish({ login: { accountId: login } }) : finish({ error: 'access_denied' });
    }
    const { accountId } = session ?? {};
    const there = grantId ? await provider.Grant.find(grantId) : undefined;
    const grant =
      there ?? new provider.Grant({ accountId: accountId as string, clientId: String(params['client_id']) });
    grant.addOIDCScope(scopes.join(' '));
    return finish({ consent: { grantId: await grant.save() } });
  }

  /** The API: what a token of this company is good for. */
  async function calendar(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, value = ''] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const token = value ? await provider.AccessToken.find(value) : undefined;
    const person = personOf(token?.accountId);
    const json = { 'content-type': 'application/json' };
    if (!token || !person)
      return void response
        .writeHead(401, { ...json, 'www-authenticate': 'Bearer error="invalid_token"' })
        .end('{}');
    if (!token.scopes.has('calendar:read'))
      return void response
        .writeHead(403, {
          ...json,
          'www-authenticate': 'Bearer error="insufficient_scope", scope="calendar:read"',
        })
        .end('{}');
    response.writeHead(200, json).end(JSON.stringify({ owner: person.id, entries: person.calendar }));
  }

  return {
    issuer,
    calendar: `${issuer}/calendar`,
    /** How often each grant type was used with success. */
    counts: (): Record<string, number> => Object.fromEntries(counts),
    /** As if everybody had ended what they had allowed, at the company itself. */
    async endConnections(): Promise<void> {
      for (const id of grants) {
        await provider.AccessToken.revokeByGrantId(id);
        await provider.RefreshToken.revokeByGrantId(id);
      }
    },
    close: (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  return body;
}
