// Whether people are still in the groups that decide what they may do. Asked of their upstream again and again in the
// background, where the vault holds a token that may ask; of everybody else it is known from their last sign-in.
// It only writes down what the upstream says: what follows from it is decided by policy, whenever something is issued.

import type { Clock } from '../../clock.ts';
import { Refusal } from '../../errors.ts';
import type { Work } from '../../storage/commit.ts';
import type { IdentityRow, IdentityStore } from '../../storage/identities.ts';
import type { Audit } from '../audit.ts';
import type { Vault } from '../vault.ts';
import { first } from './first.ts';

/** In ms: what an upstream said of somebody's groups is asked again after this. */
export const GROUPS_HOLD = 15 * 60_000;
const AT_ONCE = 50;

export function memberships({
  store,
  vault,
  audit,
  clock,
  work: begin,
  deciding,
}: {
  store: Pick<IdentityStore, 'dueForGroups' | 'asked' | 'regroup'>;
  vault: Pick<Vault, 'ask'>;
  audit: Audit;
  clock: Clock;
  work: () => Work;
  /** The upstreams whose groups decide anything here, by name. */
  deciding: () => string[];
}) {
  const wins = first(begin);

  async function again(row: IdentityRow): Promise<void> {
    const now = clock();
    // Written first: of all processes one asks, and an upstream that does not answer is not asked at every turn.
    if (!(await wins(store.asked(row, now)))) return;
    const told = await vault.ask(row.accountId, row.upstream, async (connector, tokens) =>
      connector.can.groups ? connector.groups?.(tokens, row.subject) : undefined,
    );
    if (!told) return;
    const had = row.groups as string[];
    const left = had.filter((group) => !told.groups.includes(group));
    const joined = told.groups.filter((group) => !had.includes(group));
    if (left.length + joined.length === 0 && row.groupsIncomplete === (told.incomplete ?? false)) return;
    // Loses to a sign-in that told them meanwhile.
    const write = store.regroup(
      { ...row, groups: told.groups, groupsIncomplete: told.incomplete ?? false },
      now,
    );
    await wins(write, (work) =>
      audit.record(work, {
        action: 'identity.groups_changed',
        accountId: row.accountId,
        detail: { upstream: row.upstream, left, joined },
      }),
    );
  }

  return {
    /** Asks where it is time to. */
    async renew(): Promise<void> {
      const names = deciding();
      if (names.length === 0) return;
      for (const row of await store.dueForGroups(names, clock() - GROUPS_HOLD, AT_ONCE)) {
        try {
          await again(row);
        } catch (error) {
          // The upstream does not answer, or has ended the connection, which whoever wants its token will find out.
          if (!(error instanceof Refusal)) throw error;
        }
      }
    },
  };
}

export type Memberships = ReturnType<typeof memberships>;
