// Which proofs have been used (RFC 9449 §11.1), in memory and within bounds. It forgets a proof only when that is too
// old to be taken anyway: what no longer fits is refused, for forgetting early would let a stolen proof in again.
import { Refused } from './refusal.ts';

const mostAltogether = 100_000;
/** Of one key, so that whoever sends many takes nobody else's place. */
const mostOfOne = 10_000;

/** A function that takes note of a proof until then (ms since the epoch); false when it was noted before. */
export function usedProofs(now: () => number) {
  const until = new Map<string, number>();
  const counts = new Map<string, number>();
  const ownerOf = (id: string): string => id.slice(0, id.indexOf('.'));

  function forgetOld(): void {
    // every proof is kept equally long, so that the oldest come first
    for (const [id, time] of until) {
      if (time >= now()) return;
      until.delete(id);
      const left = (counts.get(ownerOf(id)) ?? 1) - 1;
      if (left > 0) counts.set(ownerOf(id), left);
      else counts.delete(ownerOf(id));
    }
  }

  return (id: string, keepUntil: number): boolean => {
    forgetOld();
    if (until.has(id)) return false;
    const owner = ownerOf(id);
    const count = counts.get(owner) ?? 0;
    if (until.size >= mostAltogether || count >= mostOfOne) {
      throw new Refused({
        reason: 'too_many_proofs',
        status: 503,
        error: 'temporarily_unavailable',
        message: 'Too many requests with DPoP proofs',
      });
    }
    until.set(id, keepUntil);
    counts.set(owner, count + 1);
    return true;
  };
}
