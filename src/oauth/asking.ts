// What a person is asked about and what they answered, whether a browser was sent here or a device shows a code:
// one sheet for each server, and the ticks of all of them made into one family.

import type { Work } from '../domain/audit.ts';
import { ceilingOf } from '../domain/clients/declared.ts';
import { answer } from '../domain/consent/answer.ts';
import { type Sheet, sheet, type UpstreamOffered } from '../domain/consent/sheet.ts';
import type { Decision, Grant, Grants } from '../domain/grants.ts';
import type { Policy } from '../domain/policy.ts';
import type { Resource, Resources } from '../domain/resources.ts';
import type { Upstreams } from '../domain/upstream.ts';
import type { Vault } from '../domain/vault.ts';
import { Refusal } from '../errors.ts';
import type { ClientShown } from './clients.ts';
import type { Metadata } from './registration.ts';

/** One server of the request, what is asked of it, and what stands from before. */
export type Asked = { resource: Resource; before: Grant | undefined; sheet: Sheet };

/** What somebody wants of an account: resources by URI, as the request named them. */
export type Wanted = {
  accountId: string;
  /** Its metadata: what its operator never lets it have is not asked of a person. */
  client: Metadata;
  resources: readonly string[];
  scopes: readonly string[];
};

const MOST_TRIES = 3;

/**
 * Does `attempt` and commits. Two windows, or two installations, of one person may allow one client at the same moment:
 * whoever comes second decides anew, on what the first has made. Throws a Refusal `grant_changed` after three times.
 */
export async function decided<T>(work: Work, attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    const done = await attempt();
    try {
      await work.commit();
      return done;
    } catch (error) {
      const overtaken = error instanceof Refusal && error.reason === 'grant_changed';
      if (!overtaken || tries === MOST_TRIES) throw error;
    }
  }
}

export function asking({
  resources,
  grants,
  policy,
  upstreams,
  vault,
}: {
  resources: Resources;
  grants: Grants;
  policy: Policy;
  upstreams: Upstreams;
  vault: Vault;
}) {
  /** The upstreams of a resource, and how this account stands with each. */
  async function offered(accountId: string, resource: Resource): Promise<UpstreamOffered[]> {
    const uses = (resource.upstreams ?? []).map(async (use): Promise<UpstreamOffered[]> => {
      const there = upstreams.all().find(({ declaration }) => declaration.name === use.name);
      if (!there || (there.connector && !there.declaration.vault)) return [];
      const connected = await vault.find(accountId, use.name);
      const whole = use.wholeToken && !there.connector?.can.downScope;
      return [
        {
          name: use.name,
          label: there.declaration.label,
          purpose: use.purpose,
          gives: there.connector ? (whole ? 'whole_token' : 'token') : 'key',
          ...(connected && { account: connected.name }),
        },
      ];
    });
    return (await Promise.all(uses)).flat();
  }

  return {
    /** One sheet a resource, in the order of the request; undefined when one of them has been removed meanwhile. */
    async sheets({ accountId, client, resources: uris, scopes }: Wanted): Promise<Asked[] | undefined> {
      const standing = await grants.live(accountId, String(client['client_id']));
      const found = uris.map((uri) => resources.find(uri)).filter((each) => each !== undefined);
      if (found.length === 0 || found.length !== uris.length) return undefined;
      return Promise.all(
        found.map(async (resource) => {
          const before = standing.find((grant) => grant.resource === resource.uri);
          const ceiling = await policy.ceilingFor(accountId, resource);
          const open = ceilingOf(client, resource.uri);
          const asked = scopes.filter((scope) => open?.includes(scope) ?? true);
          return {
            resource,
            before,
            sheet: sheet(resource, asked, before, {
              apart: found.length > 1,
              ceiling,
              upstreams: await offered(accountId, resource),
            }),
          };
        }),
      );
    },

    /** Why this account may allow nothing of what is asked; undefined where it may allow something. */
    refusal(asked: readonly Asked[]): Refusal | undefined {
      const [first] = asked;
      const nothing = asked.every(({ sheet: { items, withheld } }) => items.length === 0 && withheld);
      return nothing && first ? policy.nothingLeft(first.resource) : undefined;
    },

    /**
     * The ticked boxes become a grant for each resource of which something was ticked, and a family; returns its id.
     * Throws a Refusal `nothing_allowed` when nothing was ticked of any.
     */
    async allow(
      work: Work,
      asked: readonly Asked[],
      ticks: readonly string[],
      by: { accountId: string; client: ClientShown; traceId: string },
    ): Promise<string> {
      let nothing: unknown;
      const decisions = asked.flatMap(({ resource, before, sheet: offered }): Decision[] => {
        try {
          return [{ resource: resource.uri, ...answer(offered, ticks, before) }];
        } catch (error) {
          if (!(error instanceof Refusal) || error.reason !== 'nothing_allowed') throw error;
          nothing = error;
          return [];
        }
      });
      if (decisions.length === 0) throw nothing;
      return grants.allow(work, { ...by, decisions });
    },
  };
}

export type Asking = ReturnType<typeof asking>;
