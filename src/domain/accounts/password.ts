// Passwords: argon2id (RFC 9106), never more than a few at once, and the same work for a name that nobody has.

import argon2 from 'argon2';
import { Refusal } from '../../errors.ts';

const MOST_AT_ONCE = 4;
const LONGEST = 1024;
export const SHORTEST_PASSWORD = 10;

// OWASP's parameters for argon2id: 19 MiB, two passes, one lane.
const PARAMETERS = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

let running = 0;
const waiting: (() => void)[] = [];

// A flood of sign-ins must not take every thread from the requests that only read files and sign tokens.
async function oneOfFew<T>(task: () => Promise<T>): Promise<T> {
  if (running < MOST_AT_ONCE) running += 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await task();
  } finally {
    // whoever waits takes this place over, so that nobody slips in between
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

const normal = (password: string): string => password.normalize('NFKC');

/** An argon2id hash in its standard string form. Throws a Refusal when the password is too short or too long. */
export async function hashPassword(password: string): Promise<string> {
  if ([...password].length < SHORTEST_PASSWORD || password.length > LONGEST) {
    throw new Refusal(`A password has between ${SHORTEST_PASSWORD} and ${LONGEST} characters.`, {
      reason: 'password_length',
      hint: 'A few words in a row are easy to remember and hard to guess.',
    });
  }
  return oneOfFew(() => argon2.hash(normal(password), PARAMETERS));
}

let nobody: Promise<string> | undefined;

/** Whether `password` is the one; as slow for an account that does not exist. */
export async function passwordIs(hash: string | null | undefined, password: string): Promise<boolean> {
  if (password.length > LONGEST) return false;
  nobody ??= argon2.hash('nobody has this password', PARAMETERS);
  const against = hash ?? (await nobody);
  const same = await oneOfFew(() => argon2.verify(against, normal(password)));
  return same && hash != null;
}
