// The upstreams that the file declares: identity providers and other services that people sign in with or connect.

import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import { type Declared, declaredSecret, entries, type Reading } from './declared.ts';
import { upstreamScopeProblem } from './names.ts';
import { type Path, pathName } from './problems.ts';
import { checked, line } from './scalars.ts';
import { type Secret, secret } from './secret.ts';
import { MICROSOFT, upstreamProblems } from './upstream-kinds.ts';
import { webAddressProblem } from './web-address.ts';

/** How we are known at the upstream's token endpoint. */
export type UpstreamCredential = {
  /** A client secret, or a private key in PEM (RFC 7523), perhaps with its certificate. */
  kind: 'secret' | 'private_key';
  value: Secret;
};

/** Who may come in; empty lists let everybody in. */
export type UpstreamAllow = { accounts: string[]; domains: string[]; groups: string[] };

export type OAuthUpstream = {
  name: string;
  kind: 'oidc' | 'google' | 'entra' | 'okta' | 'github';
  /** On the button: "Continue with …". */
  label: string;
  /** The issuer identifier; for GitHub the address of its web site. */
  issuer: string;
  clientId: string;
  /** Absent: a public client. */
  credential?: UpstreamCredential;
  /** For a client secret: how it is sent; where it is not said, as the upstream's metadata wants. */
  clientAuth?: 'basic' | 'post';
  signIn: boolean;
  /** Asked for at sign-in. */
  scopes: string[];
  groupsClaim: string;
  /** Hosts beside the issuer's own that its metadata may send us to. */
  endpointHosts: string[];
  /** What MCP servers may get; absent: nothing. */
  vault?: { scopes: string[]; audience?: string; resource?: string };
  allow: UpstreamAllow;
};

/** A service without OAuth: people paste a key of theirs. */
export type KeyUpstream = {
  name: string;
  kind: 'key';
  label: string /** Where to find it. */;
  hint?: string;
};

export type UpstreamDeclaration = OAuthUpstream | KeyUpstream;

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
const name = checked((text) =>
  NAME.test(text) ? undefined : 'may hold only small letters, digits and -, at most 32, and starts with no -',
);
const scope = checked(upstreamScopeProblem);
const host = checked((text) =>
  /^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:]+\](:\d{1,5})?$/.test(text)
    ? undefined
    : 'is not a host name in small letters, with :port where it has one',
);
const domain = checked((text) =>
  /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(text) ? undefined : 'is not a domain name in small letters',
);
const file = z.string().optional();

export const upstreamShape = z
  .strictObject({
    name: name.describe('In addresses: `/upstream/NAME/callback` is its redirect URI.'),
    kind: z
      .enum(['oidc', 'google', 'entra', 'okta', 'github', 'key'])
      .describe('`oidc`, `google`, `entra`, `okta`, `github`, or `key`: people paste an API key.'),
    label: line.describe('On the button: Continue with …'),
    issuer: checked(webAddressProblem)
      .optional()
      .describe(
        'For `oidc` and `okta`, as it calls itself. For `github`: the address of an Enterprise Server.',
      ),
    tenant: checked((text) =>
      /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
        ? undefined
        : 'is not the id of one tenant (8-4-4-4-12 small hexadecimal digits); `common` would let in any company',
    )
      .optional()
      .describe('For `entra`: the directory (tenant) id.'),
    client_id: line.optional().describe('What it calls this server.'),
    client_secret: z.string().optional().describe('Its secret; or `client_secret_file`.'),
    client_secret_file: file.describe('The file that holds it.'),
    private_key: z
      .string()
      .optional()
      .describe('Instead of a secret: a private key in PEM (private_key_jwt); or `private_key_file`.'),
    private_key_file: file.describe('The file that holds it, and for `entra` its certificate too.'),
    client_auth: z
      .enum(['basic', 'post'])
      .optional()
      .describe('How the secret is sent: `basic` or `post`; as its metadata says unless told.'),
    sign_in: z.boolean().default(true).describe('Whether people may sign in with it.'),
    scopes: z.array(scope).optional().describe('Asked for at sign-in, instead of what its kind needs.'),
    groups_claim: line.default('groups').describe('The claim that lists groups.'),
    endpoint_hosts: z
      .array(host)
      .default([])
      .describe('Hosts beside the issuer’s own that its metadata may name.'),
    vault: z
      .strictObject({
        scopes: z.array(scope).default([]).describe('Asked for when a person connects it.'),
        audience: line.optional().describe('Sent along as `audience`.'),
        resource: line.optional().describe('Sent along as `resource` (RFC 8707).'),
      })
      .optional()
      .describe('What MCP servers may get of it for a person; nothing unless told.'),
    allow: z
      .strictObject({
        accounts: z
          .array(line)
          .default([])
          .describe('Subjects that it gives, verified addresses, and at `github` user names.'),
        domains: z.array(domain).default([]).describe('Domains that it vouches for.'),
        groups: z.array(line).default([]).describe('Groups, organisations, or organisation/team.'),
      })
      .prefault({})
      .describe('Who may come in: whom one of the lists fits. Everybody unless told.'),
    hint: line.optional().describe('For `key`: where to find it.'),
  })
  .check((ctx) => {
    for (const { member, problem } of upstreamProblems(ctx.value))
      ctx.issues.push({ code: 'custom', input: ctx.value, path: [member], message: problem });
  });

const DEFAULT_SCOPES: Record<OAuthUpstream['kind'], string[]> = {
  oidc: ['openid', 'profile', 'email'],
  google: ['openid', 'profile', 'email'],
  entra: ['openid', 'profile', 'email'],
  okta: ['openid', 'profile', 'email', 'groups'],
  github: ['read:user', 'user:email'],
};

const FIXED_ISSUER: Partial<Record<OAuthUpstream['kind'], string>> = {
  google: 'https://accounts.google.com',
  github: 'https://github.com',
};

/** The declared upstreams that are whole. */
export function upstreamsFrom(reading: Reading): Declared<UpstreamDeclaration>[] {
  return entries('upstreams', upstreamShape, reading).flatMap(
    ({ value, path }): Declared<UpstreamDeclaration>[] => {
      const credential = declaredCredential(path, reading);
      return value ? [{ path, value: declaration(value, credential) }] : [];
    },
  );
}

function declaration(
  said: z.output<typeof upstreamShape>,
  credential: UpstreamCredential | undefined,
): UpstreamDeclaration {
  const { name, kind, label, hint, tenant, vault } = said;
  if (kind === 'key') return { name, kind, label, ...(hint !== undefined && { hint }) };
  const issuer = said.issuer ?? (tenant ? `${MICROSOFT}/${tenant}/v2.0` : (FIXED_ISSUER[kind] ?? ''));
  const { audience, resource } = vault ?? {};
  return {
    name,
    kind,
    label,
    // An issuer is compared to the byte; GitHub's is an address that paths are added to.
    issuer: kind === 'github' ? issuer.replace(/\/+$/, '') : issuer,
    clientId: said.client_id ?? '',
    ...(credential && { credential }),
    ...(said.client_auth && { clientAuth: said.client_auth }),
    signIn: said.sign_in,
    scopes: said.scopes ?? DEFAULT_SCOPES[kind],
    groupsClaim: said.groups_claim,
    endpointHosts: said.endpoint_hosts,
    ...(vault && {
      vault: {
        scopes: vault.scopes,
        ...(audience !== undefined && { audience }),
        ...(resource !== undefined && { resource }),
      },
    }),
    allow: said.allow,
  };
}

function declaredCredential(path: Path, reading: Reading): UpstreamCredential | undefined {
  const key = declaredKey(path, reading);
  const given = declaredSecret(path, reading, 'client_secret');
  if (key) return { kind: 'private_key', value: key };
  return given && { kind: 'secret', value: given };
}

/** The private key of the mapping at `path`; what cannot be read as one is reported. */
function declaredKey(path: Path, { sources, problems }: Reading): Secret | undefined {
  const found = sources.secretAt(path, 'private_key');
  if (!found || typeof found.raw !== 'string' || found.raw === '') return undefined;
  try {
    createPrivateKey(found.raw);
    return secret(found.raw);
  } catch {
    const setting = pathName([...path, 'private_key']);
    problems.push({
      setting,
      source: found.source,
      problem: 'is not a private key in PEM without a passphrase',
    });
    return undefined;
  }
}
