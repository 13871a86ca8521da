// The door of oauth/: serves the protocol's endpoints and holds the current engine, built anew when keys change.
// It owns the wire: metadata, codes, tokens. Pages are http/'s, decisions the domain's. Called by http/server.

import type { JSONWebKeySet } from 'jose';
import type { Context, Next } from 'koa';
import type { Provider } from 'oidc-provider';
import type { Clock } from '../clock.ts';
import type { Config, SigningAlgorithm } from '../config.ts';
import type { Accounts } from '../domain/accounts.ts';
import type { Audit } from '../domain/audit.ts';
import type { ClientDocuments } from '../domain/clients/documents.ts';
import type { Registrations } from '../domain/clients/registrations.ts';
import type { Clients } from '../domain/clients.ts';
import type { Grants } from '../domain/grants.ts';
import type { DerivedKeys, Keys, SigningKey } from '../domain/keys.ts';
import type { Policy } from '../domain/policy.ts';
import type { Resources } from '../domain/resources.ts';
import type { Upstreams } from '../domain/upstream.ts';
import type { ConnectLinks } from '../domain/vault/links.ts';
import type { Vault } from '../domain/vault.ts';
import type { Metrics } from '../metrics.ts';
import type { Outbound } from '../outbound.ts';
import { type AdapterNeeds, adapterFor } from './adapter.ts';
import { asking } from './asking.ts';
import { type Fields, straightRequest } from './authorization-request.ts';
import { begunRequests } from './begun.ts';
import { engineClients } from './clients.ts';
import { cookieSignatures } from './cookie-signatures.ts';
import { cors, corsHeaders } from './cors.ts';
import { deviceRequests } from './device.ts';
import { dpop } from './dpop.ts';
import { listen } from './events.ts';
import type { HttpCall } from './http-call.ts';
import { interactions } from './interaction.ts';
import { type Leaving, leaving } from './leaving.ts';
import { metadata } from './metadata.ts';
import { buildProvider, type RenderError } from './provider.ts';
import { type Document, publishedDocuments } from './published.ts';
import { refreshTokens } from './refresh-tokens.ts';
import { refuseInJson } from './refusals.ts';
import { registrationEndpoint } from './registration/endpoint.ts';
import type { RegistrationLimit } from './registration/management.ts';
import { accepting } from './registration.ts';
import { request, withRequest } from './request.ts';
import { resourceIndicators } from './resources.ts';
import { browserSession } from './session.ts';
import { standingGrants } from './standing.ts';
import { tokenSide } from './token-side.ts';

export type { PendingInteraction, Question } from './interaction.ts';

export type OAuthNeeds = {
  config: Pick<Config, 'issuer' | 'lifetimes' | 'registration' | 'policy' | 'limits'>;
  clock: Clock;
  artifacts: AdapterNeeds['store'];
  accounts: Accounts;
  audit: Audit;
  clients: Clients;
  registrations: Registrations;
  documents: ClientDocuments;
  grants: Grants;
  keys: Keys;
  derived: DerivedKeys;
  policy: Policy;
  resources: Resources;
  upstreams: Upstreams;
  vault: Vault;
  connectLinks: ConnectLinks;
  outbound: Outbound;
  metrics: Metrics;
  renderError: RenderError;
  registrationLimit: RegistrationLimit;
  showLeave: (ctx: Context, leaving: Leaving) => void;
  /** Hears of a failure that is a bug, with the request that met it. */
  onError: (error: unknown, ctx: Context) => void;
};

/** An endpoint that programs POST to, and what every answer of it carries for the pages that may read it. */
export type Program = { serve: (call: HttpCall) => Promise<void>; headers: Record<string, string> };

// Those that are asked the most, and need nothing of what stands before the others.
const BUSIEST = ['/token', '/introspect', '/revoke', '/par', '/register'];

export async function oauthHost(needs: OAuthNeeds) {
  const { config, clock, grants, resources, derived } = needs;
  const { issuer, lifetimes, registration } = config;
  const base = new URL(issuer).pathname.replace(/\/$/, '');

  let signingKeys: readonly SigningKey[] = [];
  let builtFrom = '';
  let provider: Provider;
  let publicKeys: JSONWebKeySet;
  let published: ReadonlyMap<string, Document>;

  const signatures = cookieSignatures(derived.cookies);
  const signingKey = (algorithm: SigningAlgorithm): SigningKey => {
    const key = signingKeys.find((each) => each.algorithm === algorithm && each.state === 'current');
    if (!key) throw new Error(`there is no current key for ${algorithm}`);
    return key;
  };
  const clients = engineClients({ ...needs, registration, letIn: needs.registrationLimit.letIn });
  const adapter = adapterFor({ store: needs.artifacts, accounts: needs.accounts, grants, clients, clock });
  const indicators = resourceIndicators({ resources, defaultResource: config.policy.defaultResource });
  const asks = asking({ ...needs, resources, grants });
  const straight = (fields: Fields): Fields => straightRequest(fields, resources);
  const begun = begunRequests({ most: config.limits.authorizations, clock });
  const { endpoints, codes, pushed } = tokenSide({
    ...needs,
    begun,
    userCodeKey: derived.userCodes,
    indicators,
    straight,
    // the engine's own comparison, which is the one that counts when a browser comes
    redirectAllowed: (call, id, uri) =>
      withRequest(
        call.request,
        async () => (await provider.Client.find(id))?.redirectUriAllowed(uri) ?? false,
      ),
    refreshTokens: refreshTokens({
      key: derived.refreshTokens,
      store: needs.artifacts,
      grace: lifetimes.refreshGrace,
    }),
    signingKey,
    publicKeys: () => publicKeys,
    dpop: dpop({
      issuer,
      key: derived.dpopNonces,
      store: needs.artifacts,
      clock,
      demandNonce: config.policy.dpopNonce,
    }),
  });
  const registering = registrationEndpoint({
    ...needs,
    issuer,
    accepts: accepting(registration),
    limit: needs.registrationLimit,
  });
  const session = browserSession({
    provider: () => provider,
    clock,
    idle: lifetimes.sessionIdle,
    absolute: lifetimes.sessionAbsolute,
  });

  function build(): void {
    provider = buildProvider({
      ...needs,
      issuer,
      lifetimes,
      adapter,
      signingKeys,
      cookieSignatures: signatures,
      secure: issuer.startsWith('https:'),
      resources: indicators,
      standing: standingGrants({ grants, clients, asking: asks }),
    });
    listen(provider, needs);
    publicKeys = { keys: signingKeys.map((key) => key.public) };
    published = publishedDocuments(base, metadata({ issuer, resources, registration }), publicKeys);
  }

  /** Reads keys and resources again; what changed in another process is in force after this. */
  async function reload(): Promise<void> {
    signingKeys = await needs.keys.list();
    await resources.refresh();
    const states = signingKeys.map(({ kid, state }) => ({ kid, state }));
    const now = JSON.stringify([states, resources.all()]);
    if (now !== builtFrom) build();
    builtFrom = now;
  }
  await reload();

  const busiest: typeof endpoints = {
    ...endpoints,
    ...(registration.dynamic && { '/register': registering.register }),
  };
  const programs = new Map(
    BUSIEST.flatMap((path) => {
      const serve = busiest[path];
      return serve ? [[`${base}${path}`, { serve, headers: corsHeaders(path) }] as const] : [];
    }),
  );

  async function engine(ctx: Context, path: string): Promise<void> {
    if (path === '/authorize') {
      begun.count(request().ip);
      const asked = await pushed.expand(request().work, { ...ctx.query });
      ctx.query = straight(asked) as typeof ctx.query;
    }
    const original = ctx.path;
    ctx.path = path;
    ctx['mountPath'] = base; // from which the engine makes the address that a page returns to
    const [serve] = provider.middleware;
    try {
      await serve?.(ctx as never, async () => {});
    } finally {
      ctx.path = original;
    }
    // what leads to no page of ours is over, and nothing of it is kept
    if (!String(ctx.response.get('Location')).includes('/interaction/')) begun.answered(request().ip);
    if (path === '/authorize') {
      const thrown = await leaving(ctx, issuer, clients);
      if (thrown) needs.showLeave(ctx, thrown);
    }
  }

  const ENGINE: Record<string, string> = { '/authorize': 'GET' };
  const registers = (path: string): boolean =>
    registration.dynamic && (path === '/register' || path.startsWith('/register/'));

  return {
    /** Serves what is the protocol's; calls `next` for everything else. */
    async handle(ctx: Context, next: Next): Promise<void> {
      const document = published.get(ctx.path);
      const path = ctx.path.startsWith(`${base}/`) ? ctx.path.slice(base.length) : ctx.path;
      if (registers(path)) {
        if (cors(ctx, path, false) || (await registering.handle(ctx, path))) return;
        return next();
      }
      const resumes = /^\/authorize\/[\w-]+$/.test(path);
      const endpoint = Object.hasOwn(endpoints, path) ? endpoints[path] : undefined;
      const method = document || resumes ? 'GET' : endpoint ? 'POST' : ENGINE[path];
      if (!method) return next();
      // what was asked is in the stored interaction; a query here would be taken for another request
      if (resumes) ctx.querystring = '';
      if (cors(ctx, path, document !== undefined)) return;
      if (ctx.method !== method && !(document && ctx.method === 'HEAD')) {
        ctx.set('Allow', method);
        return refuseInJson(ctx, 405, 'invalid_request', `${path} takes ${method} only`);
      }
      if (document) {
        ctx.set(document.headers);
        ctx.body = document.body;
        return;
      }
      if (endpoint) return endpoint(ctx);
      await withRequest(ctx.state, () => engine(ctx, path));
    },

    /** A document that is the same for everybody, by its path. */
    published: (path: string): Document | undefined => published.get(path),

    /** An endpoint that takes POST and needs no more than an HttpCall, by its path. */
    program: (path: string): Program | undefined => programs.get(path),

    interaction: scoped(
      interactions({
        provider: () => provider,
        session,
        clients,
        resources,
        asking: asks,
      }),
    ),
    device: scoped(deviceRequests({ codes, clients, asking: asks, audit: needs.audit })),
    session: scoped(session),
    formKey: derived.forms,
    cookieSignatures: signatures,
    reload,
  };
}

/** Runs each of these functions inside the request that its first argument, a Koa context, belongs to. */
function scoped<Verbs extends Record<string, (ctx: Context, ...rest: never[]) => Promise<unknown>>>(
  verbs: Verbs,
): Verbs {
  return Object.fromEntries(
    Object.entries(verbs).map(([name, verb]) => [
      name,
      (ctx: Context, ...rest: never[]) => withRequest(ctx.state, () => verb(ctx, ...rest)),
    ]),
  ) as Verbs;
}

export type OAuth = Awaited<ReturnType<typeof oauthHost>>;
