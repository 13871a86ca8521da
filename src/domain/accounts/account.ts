// What an account is to everybody but its own room, and what it may be called.

import { Refusal } from '../../errors.ts';
import type { NewAccountRow } from '../../storage/accounts.ts';

export type Account = {
  id: string;
  username: string;
  name: string;
  administrator: boolean;
  disabled: boolean;
  /** Whether there is a local password; without one, an upstream says who it is. */
  hasPassword: boolean;
};

const LONGEST_NAME = 64;

export const account = (row: NewAccountRow): Account => ({
  id: row.id,
  username: row.username,
  name: row.name,
  administrator: row.administrator,
  disabled: row.disabledAt !== null,
  hasPassword: row.password !== null,
});

/** User names are compared in this form. */
export const fold = (username: string): string => username.normalize('NFKC').trim().toLowerCase();

/** The folded name. Throws a Refusal `username_form`. */
export function checkName(username: string): string {
  const folded = fold(username);
  if (folded.length === 0 || folded.length > LONGEST_NAME || /[\p{C}\p{Z}]/u.test(folded)) {
    throw new Refusal(`A user name has 1 to ${LONGEST_NAME} characters and no spaces.`, {
      reason: 'username_form',
    });
  }
  return folded;
}
