// Answers of the database, kept for as long as nothing at all was written to it. Only where that can be known for
// certain and at once: in SQLite, which says so of every connection, this one and other processes' alike.

import { remember } from '../memory.ts';

/** What the database has seen so far; another value after every write. Undefined where it cannot be known. */
export type Version = () => string | undefined;

const MOST_KEPT = 2_000;

/**
 * `read`, asked once for everybody who wants to know in one turn: no other request comes in before it is over, so that
 * what was true when the first one asked is true enough for all of them.
 */
export function oncePerTurn<Value>(read: () => Value): () => Value {
  let known: { value: Value } | undefined;
  return () => {
    if (!known) {
      known = { value: read() };
      process.nextTick(() => {
        known = undefined;
      });
    }
    return known.value;
  };
}

/** The same answer as `read` gives now, without asking where nothing was written since it was asked. */
export function remembered<Answer>(
  version: Version,
  read: (key: string) => Promise<Answer>,
): (key: string) => Promise<Answer> {
  let kept = new Map<string, Answer>();
  let of: string | undefined;
  return async (key) => {
    const now = version();
    if (now === undefined) return read(key);
    if (now !== of) {
      kept = new Map();
      of = now;
    }
    const before = kept.get(key);
    if (before !== undefined) return before;
    const mine = kept;
    const answer = await read(key);
    // a write that came in between has put another map in its place
    if (version() === now && mine === kept) remember(kept, key, answer, MOST_KEPT);
    return answer;
  };
}
