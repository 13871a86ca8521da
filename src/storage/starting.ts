// The first moments with a database: one that is not there yet is waited for, one that can never be used is refused.
// What is a mistake in the configuration (a wrong password, a file of another kind) is not waited out.

import { setTimeout as pause } from 'node:timers/promises';
import { Refusal } from '../errors.ts';
import { causeOf, disconnected, sqlState } from './faults.ts';

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;

/** It is starting or stopping, or has no connection left: the same again may succeed. */
function comesBack(error: unknown): boolean {
  const cause = causeOf(error);
  return cause !== undefined && (disconnected(cause) || /^53/.test(sqlState(cause) ?? ''));
}

/**
 * Does `open` until it succeeds, with pauses that double up to ten seconds; `onAway` hears of each that did not.
 * Whatever waiting cannot mend is thrown at once.
 */
export async function whenThere<T>(
  open: () => Promise<T>,
  onAway: (error: unknown, pause: number) => void,
): Promise<T> {
  for (let next = FIRST_PAUSE; ; next = Math.min(next * 2, LONGEST_PAUSE)) {
    try {
      return await open();
    } catch (error) {
      if (!comesBack(error)) throw error;
      onAway(error, next);
      await pause(next);
    }
  }
}

/** A Refusal that names the file, for whatever opening it says. */
export function unusable(file: string, cause: unknown): Refusal {
  const says = (cause as Error).message;
  return new Refusal(`The database file ${file} cannot be used: ${says}.`, {
    reason: 'database_unusable',
    status: 503,
    hint: 'It must be a file of this server, or a new name, in a directory on a local disk that this user may write to.',
    cause,
  });
}
