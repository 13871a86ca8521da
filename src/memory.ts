// What a process remembers where there may be no end of it: so many things, those that came last.

/** Puts `value` last in `known`. Of more than `most`, the one that was put there the longest ago is forgotten. */
export function remember<Key, Value>(known: Map<Key, Value>, key: Key, value: Value, most: number): void {
  known.delete(key);
  known.set(key, value);
  if (known.size > most) known.delete(known.keys().next().value as Key);
}
