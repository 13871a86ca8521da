// Policy: who may come in, and what they may be allowed at most. It decides; it neither shows nor stores.
// Asked at sign-in, at consent, and again whenever something is issued: what was right then may not be now.

import { canonicalResource } from '../config/resource-uri.ts';
import type { CeilingRule, OAuthUpstream, ScopeDeclaration, UpstreamDeclaration } from '../config.ts';
import { Refusal } from '../errors.ts';
import type { AccountStore } from '../storage/accounts.ts';
import type { IdentityRow, IdentityStore } from '../storage/identities.ts';

/** What an upstream has said of somebody; `email` is a verified one. */
export type Known = Pick<
  IdentityRow,
  'subject' | 'username' | 'email' | 'domain' | 'groups' | 'groupsIncomplete'
>;

/** The scopes and tools that may be allowed at most. */
export type Ceiling = { scopes: string[]; tools: Record<string, string[]> };

type Ruled = { uri: string; name: string; scopes: readonly ScopeDeclaration[] };

const groupsOf = (known: Pick<Known, 'groups'>): string[] => known.groups as string[];

const unruled = ({ allow }: OAuthUpstream): boolean =>
  allow.accounts.length + allow.domains.length + allow.groups.length === 0;

/** Whether this upstream's rules let this person in; one rule that fits is enough, and no rules let everybody in. */
export function admits(upstream: OAuthUpstream, known: Known): boolean {
  const { allow, kind } = upstream;
  if (unruled(upstream)) return true;
  const names = [
    known.subject,
    known.email,
    // OIDC Core §5.7: elsewhere a user name is what its owner likes to be called
    kind === 'github' ? known.username : null,
  ].flatMap((name) => name?.toLowerCase() ?? []);
  return (
    allow.accounts.some((account) => names.includes(account.toLowerCase())) ||
    // equal, never a suffix: a subdomain, or a name that ends the same way, is somebody else's
    allow.domains.some((domain) => domain === known.domain) ||
    allow.groups.some((group) => groupsOf(known).includes(group))
  );
}

const list = new Intl.ListFormat('en', { type: 'disjunction' });

/** Which rule of `allow` kept this person out, in words. */
export function notAdmitted({ allow, label }: OAuthUpstream, known: Known): Refusal {
  const whom = [
    ...(allow.domains.length > 0 ? [`people of ${list.format(allow.domains)}`] : []),
    ...(allow.groups.length > 0 ? [`members of ${list.format(allow.groups)}`] : []),
    ...(allow.accounts.length > 0 ? ['people it has on a list'] : []),
  ];
  const unsure =
    known.groupsIncomplete && allow.groups.length > 0 ? ` ${label} did not tell all of your groups.` : '';
  return new Refusal(`This server lets in only ${list.format(whom)}.${unsure}`, {
    reason: 'not_admitted',
    status: 403,
    oauth: 'access_denied',
    hint: 'Sign in with another account, or ask whoever runs this server to let you in.',
  });
}

/** What one rule allows of a resource. */
function reach({ scopes, tools }: CeilingRule, resource: Ruled): Ceiling {
  const reached: Ceiling = { scopes: [], tools: {} };
  for (const scope of resource.scopes) {
    if (scopes && !scopes.includes(scope.name)) continue;
    const within = scope.tools.map(({ name }) => name).filter((name) => tools?.includes(name) ?? true);
    // A rule that names tools means those; of scopes without tools, the ones that it names too.
    if (tools && within.length === 0 && !(scopes && scope.tools.length === 0)) continue;
    reached.scopes.push(scope.name);
    reached.tools[scope.name] = within;
  }
  return reached;
}

/** The part of `allowed` that lies below the ceiling; all of it where there is none. */
export function below<Allowed extends Ceiling>(ceiling: Ceiling | undefined, allowed: Allowed): Ceiling {
  if (!ceiling) return { scopes: allowed.scopes, tools: allowed.tools };
  const scopes: string[] = [];
  const tools: Record<string, string[]> = {};
  for (const scope of allowed.scopes) {
    if (!ceiling.scopes.includes(scope)) continue;
    const had = allowed.tools[scope];
    const left = had?.filter((tool) => ceiling.tools[scope]?.includes(tool));
    if (had && had.length > 0 && left?.length === 0) continue;
    scopes.push(scope);
    if (left) tools[scope] = left;
  }
  return { scopes, tools };
}

export function policy({
  rules,
  localPasswords,
  upstreams,
  identities,
  accounts,
}: {
  rules: readonly CeilingRule[];
  localPasswords: boolean;
  upstreams: () => readonly UpstreamDeclaration[];
  identities: Pick<IdentityStore, 'ofAccount'>;
  accounts: Pick<AccountStore, 'find'>;
}) {
  const byResource = Map.groupBy(rules, (rule) => canonicalResource(rule.resource));

  const upstreamOf = ({ upstream }: IdentityRow): OAuthUpstream | undefined =>
    upstreams().find((each): each is OAuthUpstream => each.kind !== 'key' && each.name === upstream);

  /** Somebody whom every upstream of theirs keeps out by now, and who has no password here. */
  async function keptOut(accountId: string, rows: readonly IdentityRow[]): Promise<boolean> {
    const verdicts = rows.flatMap((row) => {
      const upstream = upstreamOf(row);
      return upstream ? [admits(upstream, row as Known)] : [];
    });
    if (verdicts.length === 0 || verdicts.includes(true)) return false;
    return !localPasswords || (await accounts.find(accountId))?.password == null;
  }

  return {
    localPasswords,

    /** The upstreams whose groups decide who comes in or what they may do, by name. */
    groupsDecideAt: (): string[] =>
      upstreams().flatMap((each) =>
        each.kind !== 'key' &&
        (each.allow.groups.length > 0 ||
          rules.some(({ upstream, groups }) => upstream === each.name && groups.length > 0))
          ? [each.name]
          : [],
      ),

    /**
     * What this account may be allowed of the resource at most, as of now; undefined where there is no limit.
     * Nothing at all (no scopes) for whom no rule fits, and for whom their upstream would no longer be let in with.
     */
    async ceilingFor(accountId: string, resource: Ruled): Promise<Ceiling | undefined> {
      const here = byResource.size > 0 ? byResource.get(canonicalResource(resource.uri)) : undefined;
      const ruled = upstreams().some((each) => each.kind !== 'key' && !unruled(each));
      if (!here && !ruled) return undefined;
      const rows = await identities.ofAccount(accountId);
      if (ruled && (await keptOut(accountId, rows))) return { scopes: [], tools: {} };
      if (!here) return undefined;
      const counted = rows.filter((row) => {
        const upstream = upstreamOf(row);
        return upstream !== undefined && admits(upstream, row as Known);
      });
      const fits = ({ upstream, groups }: CeilingRule): boolean =>
        upstream === undefined ||
        counted.some(
          (row) =>
            row.upstream === upstream &&
            (groups.length === 0 || groups.some((group) => groupsOf(row).includes(group))),
        );
      const ceiling: Ceiling = { scopes: [], tools: {} };
      for (const { scopes, tools } of here.filter(fits).map((rule) => reach(rule, resource))) {
        ceiling.scopes = [...new Set([...ceiling.scopes, ...scopes])];
        for (const scope of scopes) {
          ceiling.tools[scope] = [...new Set([...(ceiling.tools[scope] ?? []), ...(tools[scope] ?? [])])];
        }
      }
      return ceiling;
    },

    /** Why somebody may be allowed nothing of a resource, in words. */
    nothingLeft(resource: Ruled): Refusal {
      const here = byResource.get(canonicalResource(resource.uri)) ?? [];
      const groups = [...new Set(here.flatMap((rule) => rule.groups))];
      const on =
        groups.length > 0
          ? ` What you may use of ${resource.name} depends on whether you are in ${list.format(groups)}.`
          : '';
      return new Refusal(`Nothing that was asked for is open to your account here.${on}`, {
        reason: 'not_permitted',
        status: 403,
        oauth: 'access_denied',
        hint: 'Use another account, or ask whoever runs this server.',
      });
    },
  };
}

export type Policy = ReturnType<typeof policy>;
