// The person's answer: ticks become scopes and tools.
// Only what the sheet offered counts; what it did not show stays as it was.

import { Refusal } from '../../errors.ts';
import type { Allowed, Sheet } from './sheet.ts';

/** `ticks` are the values of the ticked boxes. Throws a Refusal `access_denied` when nothing is left. */
export function answer(
  sheet: Sheet,
  ticks: readonly string[],
  before: Allowed | undefined,
): Allowed & { upstreams: string[] } {
  const ticked = new Set(ticks);
  const offered = new Set(sheet.items.map((item) => item.scope));
  const scopes = new Set((before?.scopes ?? []).filter((scope) => !offered.has(scope)));
  const tools: Record<string, string[]> = {};
  for (const scope of scopes) {
    const kept = before?.tools[scope];
    if (kept) tools[scope] = kept;
  }
  let chosen = 0;
  for (const item of sheet.items) {
    if (!ticked.has(item.value)) continue;
    chosen += 1;
    scopes.add(item.scope);
    if (item.field === 'tool') {
      tools[item.scope] = [...(tools[item.scope] ?? []), item.name];
    }
  }
  if (chosen === 0) {
    throw new Refusal('Nothing was allowed, so nothing was connected.', {
      reason: 'nothing_allowed',
      oauth: 'access_denied',
    });
  }
  const upstreams = sheet.upstreams.filter(({ value }) => ticked.has(value)).map(({ name }) => name);
  return { scopes: [...scopes], tools, upstreams };
}
