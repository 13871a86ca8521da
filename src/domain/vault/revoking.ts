// Telling upstreams that a connection is over. An ended row keeps its tokens until that has been done, so what is to
// be told survives a restart; it is tried in the background, by one process at a time, and one day it is given up.

import type { Clock } from '../../clock.ts';
import type { KeyRing } from '../../crypto.ts';
import { Refusal } from '../../errors.ts';
import type { Work } from '../../storage/commit.ts';
import type { UpstreamConnectionRow, UpstreamConnectionStore } from '../../storage/upstream-connections.ts';
import type { Audit } from '../audit.ts';
import type { Connector } from '../upstream/connector.ts';
import { first } from './first.ts';
import { openTokens } from './sealing.ts';

const AT_ONCE = 20;
/** 30 s, 1 min, 2 min … six hours: with twelve tries, about a day and a half. */
const MOST_TRIES = 12;
const backoff = (attempts: number): number => Math.min(30_000 * 2 ** Math.min(attempts, 12), 6 * 3_600_000);

export function revoking({
  store,
  audit,
  clock,
  ring,
  connector,
  work: begin,
}: {
  store: UpstreamConnectionStore;
  audit: Audit;
  clock: Clock;
  ring: KeyRing;
  connector: (upstream: string) => Connector | undefined;
  work: () => Work;
}) {
  const wins = first(begin);

  /** What came of it; undefined when it shall be tried again. */
  async function tell(row: UpstreamConnectionRow): Promise<{ outcome: string } | undefined> {
    if (row.kind !== 'oauth') return { outcome: 'cannot_be_told' };
    // Many an upstream ends everything that an application has of a person, whichever token it is shown: also what
    // was connected again since, or by another account of the same person here.
    if (await store.liveOfPerson(row)) return { outcome: 'still_used' };
    try {
      const upstream = connector(row.upstream);
      if (!upstream?.can.revoke) return { outcome: 'cannot_be_told' };
      await upstream.revoke(openTokens(ring, row));
      return { outcome: 'told' };
    } catch (error) {
      const reason = error instanceof Refusal ? error.reason : 'failed';
      if (reason === 'upstream_revoked') return { outcome: 'told' };
      if (reason === 'vault_unreadable' || row.attempts + 1 >= MOST_TRIES) return { outcome: 'given_up' };
      return undefined;
    }
  }

  return {
    /** Tells the upstreams whose turn it is. Returns how many connections are done with. */
    async settle(): Promise<number> {
      let done = 0;
      for (const row of await store.toRevoke(clock(), AT_ONCE)) {
        if (!(await wins(store.attempt(row, clock() + backoff(row.attempts))))) continue;
        const came = await tell(row);
        if (!came) continue;
        const work = begin();
        work.add(store.forget(row.id, row.version));
        audit.record(work, {
          action: 'upstream.revoked',
          outcome: came.outcome === 'given_up' ? 'refused' : 'done',
          reason: came.outcome,
          accountId: row.accountId,
          detail: { upstream: row.upstream, connection: row.id },
        });
        await work.commit();
        done += 1;
      }
      return done;
    },
  };
}
