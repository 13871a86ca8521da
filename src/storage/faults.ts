// A driver's errors, told apart: what a retry may mend, and what is a bug.

import { Refusal } from '../errors.ts';

const code = (error: unknown): string => String((error as { code?: unknown })?.code ?? '');

const passing = (error: unknown): boolean =>
  /^SQLITE_(BUSY|LOCKED|FULL|IOERR|CANTOPEN|READONLY|PROTOCOL|NOMEM)/.test(code(error)) ||
  // PostgreSQL: connection (08), resources (53), operator intervention (57), serialization and deadlock (40)
  /^(08|53|57|40)/.test(code(error)) ||
  /^E(CONN|PIPE|TIMEDOUT|HOST|AI_AGAIN)/.test(code(error)) ||
  /^(terminating connection|Connection terminated|timeout exceeded)/i.test(
    String((error as Error)?.message ?? ''),
  );

/** A Refusal 503 when the database cannot be written just now; a bug is handed back as it is. */
export function unavailable(error: unknown): unknown {
  if (!passing(error)) return error;
  return new Refusal(
    'The server cannot reach its database just now. Nothing was changed; try again shortly.',
    {
      reason: 'storage_unavailable',
      status: 503,
      oauth: 'temporarily_unavailable',
      hint: 'The operator finds the cause in the log under this trace id.',
      cause: error,
    },
  );
}
