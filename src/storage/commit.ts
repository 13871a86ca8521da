// Everything that one request writes, collected and then made durable in one transaction.
// A write marked `must` that touches no row aborts all of them; what the loser is told is decided by its `lost`.

import type { Refusal } from '../errors.ts';
import type { Statement } from './statement.ts';

export type Write = Statement & {
  /** Selects rows (`RETURNING`); none of them means that another request won. */
  must?: boolean;
  /** Survives a refused request: the end of a family, an audit record, a replay marker. */
  kept?: boolean;
  /** Asked when this write lost its race: go on without it, or refuse. */
  lost?: () => Promise<'go on' | Refusal>;
  /** Finds a row if and only if this write was committed, by a name that nobody else can have given. */
  evidence?: Statement;
  /** What other processes keep in memory and must read again. */
  changes?: Change;
  /** A table of which rows are kept in memory (recent.ts). */
  table?: 'clients';
};

export type Change = 'keys' | 'resources' | 'upstreams';

/** Thrown by a dialect's commit when a `must` touched no row; everything is rolled back. */
export class Lost extends Error {
  override name = 'Lost';
  readonly write: Write;
  constructor(write: Write) {
    super('a conditional write touched no row');
    this.write = write;
  }
}

/** One transaction, durable when it resolves; rejects with `Lost`, or a Refusal 503 when the database is not there. */
export type Commit = (writes: readonly Write[]) => Promise<void>;

export type Work = ReturnType<typeof work>;

/** The pending writes of one request or command. */
export function work(commit: Commit) {
  let pending: Write[] = [];
  const overlay = new Map<string, unknown>();

  return {
    add(...writes: Write[]): void {
      pending.push(...writes);
    },
    /** As `add`, and written even when the request is refused. */
    keep(...writes: Write[]): void {
      for (const write of writes) pending.push({ ...write, kept: true });
    },
    /** What this request has written and not yet committed, by a store's own key. */
    overlay,
    get size(): number {
      return pending.length;
    },
    /** Forgets what a refused request must not leave behind. */
    refuse(): void {
      pending = pending.filter((write) => write.kept);
    },
    /** Forgets everything, also what a refused request keeps: nothing of it has happened. */
    abandon(): void {
      pending = [];
    },
    /**
     * Makes all of it durable, or none. Throws the Refusal of the write that lost its race,
     * after committing what that refusal keeps.
     */
    async commit(): Promise<void> {
      while (pending.length > 0) {
        try {
          await commit(pending);
          pending = [];
        } catch (error) {
          if (!(error instanceof Lost) || !error.write.lost) throw error;
          const lost = error.write;
          pending = pending.filter((write) => write !== lost);
          const answer = await lost.lost?.();
          if (answer === 'go on' || answer === undefined) continue;
          pending = pending.filter((write) => write.kept);
          if (pending.length > 0) await commit(pending);
          pending = [];
          throw answer;
        }
      }
    },
  };
}
