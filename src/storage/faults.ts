// A driver's errors, told apart: what a retry may mend, and what is a bug.
// drizzle puts the driver's error inside one of its own, so the whole chain of causes is asked.

import { Refusal } from '../errors.ts';

const codeOf = (error: unknown): string => String((error as { code?: unknown })?.code ?? '');
const textOf = (error: unknown): string => String((error as Error)?.message ?? '');

/** PostgreSQL's five characters; undefined for whatever the server itself did not say. */
export const sqlState = (error: unknown): string | undefined =>
  /^[0-9A-Z]{5}$/.test(codeOf(error)) && !/^E[A-Z]+$/.test(codeOf(error)) ? codeOf(error) : undefined;

/**
 * The connection is of no more use: it never came to be (also because this process has no file left for it), broke, is
 * silent, or the server is ending it.
 */
export const disconnected = (error: unknown): boolean => {
  const state = sqlState(error);
  if (state !== undefined) return /^(08|57P)/.test(state);
  return (
    /^E(MFILE|NFILE|NOBUFS|CONN|PIPE|TIMEDOUT|HOST|NET|AI_AGAIN|NOTFOUND)/.test(codeOf(error)) ||
    /^(Connection terminated|Query read timeout|timeout (exceeded|expired)|Client (has encountered|was closed)|Cannot use a pool)/i.test(
      textOf(error),
    )
  );
};

const passing = (error: unknown): boolean =>
  /^SQLITE_(BUSY|LOCKED|FULL|IOERR|CANTOPEN|READONLY|PROTOCOL|NOMEM)/.test(codeOf(error)) ||
  // connection (08), sign-in (28), serialization and deadlock (40), resources (53), lock not available (55P03),
  // operator intervention (57), the server's own disk (58), a transaction that the server gave up (25P03), a
  // server that only reads, as a standby does that has not been promoted yet (25006), and a database that is closed
  // to everybody for a while (55000)
  /^(08|28|40|53|55P03|55000|57|58|25P03|25006)/.test(sqlState(error) ?? '') ||
  disconnected(error) ||
  /^The database connection is not open/.test(textOf(error));

// Not past a Refusal: it has said what went wrong, and a host of somebody else's that refuses a connection, which may be
// why, is no database.
function* chain(error: unknown): Generator<unknown> {
  for (let each = error, depth = 0; each instanceof Error && depth < 8; each = each.cause, depth += 1) {
    if (each instanceof Refusal) return;
    yield each;
  }
}

/** The driver's own error behind `error`, when it is of the passing kind. */
export const causeOf = (error: unknown): unknown => [...chain(error)].find(passing);

/**
 * A Refusal 503 when the database cannot be asked just now; a bug is handed back as it is.
 * Its cause is the driver's own error: drizzle's repeats the values of the query, which are no business of a log.
 */
export function unavailable(error: unknown): unknown {
  if (error instanceof Refusal) return error;
  const cause = causeOf(error);
  if (cause === undefined) return error;
  return new Refusal(
    'The server cannot reach its database just now. Nothing was changed; try again shortly.',
    {
      reason: 'storage_unavailable',
      status: 503,
      oauth: 'temporarily_unavailable',
      hint: 'The operator finds the cause in the log under this trace id.',
      cause,
    },
  );
}
