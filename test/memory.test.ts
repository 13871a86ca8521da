import { expect, it } from 'vitest';
import { remember } from '../src/memory.ts';

it('of too many things the one that came the longest ago is forgotten, and what comes again came last', () => {
  const known = new Map<string, number>();
  for (const [at, name] of ['a', 'b', 'a', 'c'].entries()) remember(known, name, at, 2);
  expect([...known]).toEqual([
    ['a', 2],
    ['c', 3],
  ]);
});
