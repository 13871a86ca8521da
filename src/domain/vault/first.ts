// Writes that only one of many processes may do, apart from any request: whoever loses goes on, and has written nothing.

import { Refusal } from '../../errors.ts';
import type { Work, Write } from '../../storage/commit.ts';

/** Commits `write` with its record; false when its condition did not hold, or somebody else's. */
export type First = (write: Write, record?: (work: Work) => void) => Promise<boolean>;

export function first(begin: () => Work): First {
  return async (write, record) => {
    const work = begin();
    const overtaken = new Refusal('somebody else was first', { reason: 'overtaken' });
    work.add({
      ...write,
      async lost() {
        work.abandon();
        return overtaken;
      },
    });
    record?.(work);
    try {
      await work.commit();
      return true;
    } catch (error) {
      if (error === overtaken) return false;
      throw error;
    }
  };
}
