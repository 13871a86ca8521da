/**
 * Counts what is going on under each key. `enter` returns the function that ends one stay, or undefined when
 * `most` are there already: the caller fails at once, so that a host that hangs keeps nobody else waiting.
 */
export function budget(most: number) {
  const stays = new Map<string, number>();
  return {
    enter(key: string): (() => void) | undefined {
      const now = stays.get(key) ?? 0;
      if (now >= most) return undefined;
      stays.set(key, now + 1);
      return () => {
        const left = (stays.get(key) ?? 1) - 1;
        if (left === 0) stays.delete(key);
        else stays.set(key, left);
      };
    },
  };
}
