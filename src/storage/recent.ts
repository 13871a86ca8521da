// Rows that nearly every request asks for and that hardly ever change, kept in memory. What this process commits is
// seen at once. What another process commits is seen at once on SQLite, which tells of it; on PostgreSQL after a second
// at most, with nothing to be missed: no row is believed for longer. A client that one process disables may so get a
// token from another for that second; introspection, which does not ask here, knows at once.

import { remember } from '../memory.ts';
import type { Commit } from './commit.ts';

const LONGEST = 1_000;
const MOST_KEPT = 1_000;

/** How many commits of this process have touched the table; also those of which it is not known what became. */
export type Touched = () => number;

/** The same commit, counted where it writes clients. */
export function countingClients(commit: Commit): { commit: Commit; touched: Touched } {
  let count = 0;
  return {
    async commit(writes) {
      try {
        await commit(writes);
      } finally {
        if (writes.some((write) => write.table === 'clients')) count += 1;
      }
    },
    touched: () => count,
  };
}

/**
 * As `read`, from memory where that can be. `others` is another value after every commit of another process, or
 * undefined where nothing tells; `keeps` says of which rows a moment-old answer does.
 */
export function recent<Row>({
  read,
  keeps,
  touched,
  others,
}: {
  read: (key: string) => Promise<Row | undefined>;
  keeps: (row: Row) => boolean;
  touched: Touched;
  others: () => unknown;
}): (key: string) => Promise<Row | undefined> {
  let kept = new Map<string, { row: Row; at: number }>();
  let seen: { own: number; foreign: unknown } = { own: -1, foreign: undefined };

  return async (key) => {
    const now = { own: touched(), foreign: others() };
    if (now.own !== seen.own || now.foreign !== seen.foreign) {
      kept = new Map();
      seen = now;
    }
    const at = performance.now();
    const before = kept.get(key);
    if (before && (now.foreign !== undefined || at - before.at < LONGEST)) return before.row;
    const mine = kept;
    const row = await read(key);
    // what was read while somebody wrote may be from before it
    const unchanged = mine === kept && touched() === now.own && others() === now.foreign;
    if (row && unchanged && keeps(row)) remember(mine, key, { row, at }, MOST_KEPT);
    return row;
  };
}
