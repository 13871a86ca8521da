// Owns every setting: where it is read (environment, YAML), what is allowed, what is the default.
// Does not act on any of them. The CLI calls readConfig once; the rooms get the few values they name.
// The environment wins over the file, and every problem is reported at once.

import { readFileSync } from 'node:fs';
import type { CeilingRule } from './config/ceilings.ts';
import { clientsFrom } from './config/clients.ts';
import { contradictions } from './config/contradictions.ts';
import type { ClientDeclaration, ResourceDeclaration } from './config/declarations.ts';
import { deepFreeze } from './config/freeze.ts';
import { policyContradictions } from './config/policy-contradictions.ts';
import { ConfigProblems, markMissing, type Problem, problemsOf } from './config/problems.ts';
import { canonicalResource } from './config/resource-uri.ts';
import { resourcesFrom } from './config/resources.ts';
import type { Database, Listener } from './config/scalars.ts';
import type { Secret } from './config/secret.ts';
import { settingNames, settings, type Values } from './config/settings.ts';
import { type Environment, openSources, type ReadFile } from './config/sources.ts';
import { reportUpstreamUses } from './config/upstream-uses.ts';
import { type UpstreamDeclaration, upstreamsFrom } from './config/upstreams.ts';

export type { CeilingRule } from './config/ceilings.ts';
export type { ClientGrantType } from './config/client-grants.ts';
export type { ClientKeys } from './config/client-keys.ts';
export type {
  CeilingDeclaration,
  ClientAuthentication,
  ClientDeclaration,
  ResourceDeclaration,
  ScopeDeclaration,
  SigningAlgorithm,
  TokenFormat,
  ToolDeclaration,
  ToolEffect,
  UpstreamUse,
} from './config/declarations.ts';
export type { Database, Listener } from './config/scalars.ts';
export type { KeyUpstream, OAuthUpstream, UpstreamAllow, UpstreamDeclaration } from './config/upstreams.ts';

/** All in seconds. */
export type Lifetimes = {
  authorizationCode: number;
  interaction: number;
  sessionIdle: number;
  sessionAbsolute: number;
  accessToken: number;
  refreshIdle: number;
  refreshGrace: number;
  grant: number;
  audit: number;
  unusedClient: number;
};

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

export type Config = {
  issuer: string;
  host: string;
  port: number;
  database: Database;
  /** 32 bytes, base64url; undefined: made on the first run and kept in the data directory. */
  key: Secret | undefined;
  /** A shell command that prints it. */
  keyCommand: string | undefined;
  /** Keys of before, which only open. */
  previousKeys: Secret[];
  /** Directory for what the server keeps by itself. */
  data: string;
  log: { level: LogLevel; format: 'json' | 'text' };
  /** Networks (CIDR) whose X-Forwarded-For is believed. */
  trustedProxies: string[];
  metrics: Listener | undefined;
  resources: ResourceDeclaration[];
  clients: ClientDeclaration[];
  upstreams: UpstreamDeclaration[];
  registration: {
    dynamic: boolean;
    clientIdDocuments: boolean;
    documentHosts: { allow: string[]; deny: string[] };
    privateUseSchemes: string[];
    /** Whether clients that nobody entered may use the device flow. */
    deviceCode: boolean;
  };
  lifetimes: Lifetimes;
  /** In seconds: how long a key signs, and how long before that it is published. */
  rotation: { every: number; publishBefore: number };
  /** 0 is no limit. */
  limits: { signIns: number; registrations: number; unprovenRegistrations: number; authorizations: number };
  policy: {
    defaultResource?: string;
    dpopNonce: boolean;
    localPasswords: boolean;
    ceilings: CeilingRule[];
  };
  /** What works but is probably not meant; one sentence each, to be logged at the start. */
  warnings: string[];
};

export { ConfigProblems };

/**
 * The configuration, checked and deeply frozen, from the environment and the YAML file that CARDEA_CONFIG names.
 * Pure apart from `files`, which reads a text file by path and throws when it cannot.
 * Throws ConfigProblems with everything that is wrong, not only the first thing.
 */
export function readConfig({ env, files }: { env: Environment; files?: ReadFile }): Config {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const sources = openSources({
    env,
    files: files ?? ((path) => readFileSync(path, 'utf8')),
    problems,
    warnings,
  });
  const values: Partial<Record<string, unknown>> = {};
  for (const name of settingNames) {
    const { schema, fallback } = settings[name];
    const { raw, source } = sources.setting(name);
    const parsed = schema.safeParse(raw ?? fallback, { error: markMissing });
    if (parsed.success) values[name] = parsed.data;
    else problems.push(...problemsOf(parsed.error, { path: name.split('.'), source, sources }));
  }
  const got = values as Partial<Values>;
  const schemes = got['registration.private_use_schemes'] ?? [];
  const resources = resourcesFrom({
    sources,
    problems,
    warnings,
    lifetime: got['lifetimes.access_token'] ?? 600,
  });
  const clients = clientsFrom({ sources, problems, warnings, schemes });
  const upstreams = upstreamsFrom({ sources, problems, warnings });
  contradictions({ env, got, resources, clients, sources, problems, warnings });
  policyContradictions({ got, resources, upstreams, sources, problems, warnings });
  reportUpstreamUses(resources, upstreams, { sources, problems, warnings });
  if (problems.length > 0) throw new ConfigProblems(problems);

  const all = values as Values;
  const wanted = all['policy.default_resource'];
  const defaultResource =
    wanted &&
    resources.find(({ value }) => canonicalResource(value.uri) === canonicalResource(wanted))?.value.uri;
  return deepFreeze({
    issuer: all.issuer ?? `http://127.0.0.1:${all.port}`,
    host: all.host,
    port: all.port,
    database: all.database_url ?? { kind: 'sqlite', file: `${all.data.replace(/\/+$/, '')}/cardea.db` },
    key: all.key,
    keyCommand: all.key_command,
    previousKeys: all.key_previous,
    data: all.data,
    log: { level: all.log_level, format: all.log_format },
    trustedProxies: all.trusted_proxies,
    metrics: all.metrics,
    resources: resources.map(({ value }) => value),
    clients: clients.map(({ value }) => value),
    upstreams: upstreams.map(({ value }) => value),
    registration: {
      dynamic: all['registration.dynamic'],
      clientIdDocuments: all['registration.client_id_documents'],
      documentHosts: {
        allow: all['registration.document_hosts'],
        deny: all['registration.document_hosts_denied'],
      },
      privateUseSchemes: schemes,
      deviceCode: all['registration.device_code'],
    },
    rotation: { every: all['keys.rotate_every'], publishBefore: all['keys.publish_before'] },
    limits: {
      signIns: all['limits.sign_ins'],
      registrations: all['limits.registrations'],
      unprovenRegistrations: all['limits.unproven_registrations'],
      authorizations: all['limits.authorizations'],
    },
    lifetimes: {
      authorizationCode: all['lifetimes.authorization_code'],
      interaction: all['lifetimes.interaction'],
      sessionIdle: all['lifetimes.session_idle'],
      sessionAbsolute: all['lifetimes.session_absolute'],
      accessToken: all['lifetimes.access_token'],
      refreshIdle: all['lifetimes.refresh_idle'],
      refreshGrace: all['lifetimes.refresh_grace'],
      grant: all['lifetimes.grant'],
      audit: all['lifetimes.audit'],
      unusedClient: all['lifetimes.unused_client'],
    },
    policy: {
      dpopNonce: all['policy.dpop_nonce'],
      localPasswords: all['policy.local_passwords'],
      ceilings: all['policy.ceilings'],
      ...(defaultResource ? { defaultResource } : {}),
    },
    warnings,
  } satisfies Config);
}
