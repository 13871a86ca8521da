// A write as data: SQL compiled once by drizzle, values filled in per call.
// Stores make them, `commit` runs them; nothing else in the house sees SQL.

import type { Query } from 'drizzle-orm';
import { fillPlaceholders, sql } from './drizzle.ts';

export type Statement = { sql: string; params: unknown[] };

/** A value to be supplied later, by name. */
// biome-ignore lint/suspicious/noExplicitAny: drizzle types a placeholder as none of the column types it stands for
export const slot = (name: string): any => sql.placeholder(name);

/**
 * As `slot`, for a text that a join is asked for. The cast says nothing new, but SQLite makes the plan of a join anew for
 * every value that it is compared with (its planner looks whether that is 0 or 1), which costs five times the answer.
 */
export const joinSlot = (name: string) => sql`cast(${slot(name)} as text)`;

/** A slot for every one of `names`, as the values of an INSERT or UPDATE. */
export const slots = <Name extends string>(...names: Name[]): Record<Name, ReturnType<typeof slot>> =>
  Object.fromEntries(names.map((name) => [name, slot(name)])) as Record<Name, ReturnType<typeof slot>>;

/** Compiles a drizzle builder into a function from values to a statement. */
export function statement<Values extends Record<string, unknown>>(builder: {
  toSQL(): Query;
}): (values: Values) => Statement {
  const compiled = builder.toSQL();
  return (values) => ({ sql: compiled.sql, params: fillPlaceholders(compiled.params, values) });
}
