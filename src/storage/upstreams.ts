// Upstreams: what is said of each, and its secret, which arrives sealed and leaves sealed.

import type { Write } from './commit.ts';
import { eq } from './drizzle.ts';
import type { Room } from './room.ts';
import { slot, slots, statement } from './statement.ts';

export type UpstreamRow = {
  name: string;
  origin: string;
  declaration: unknown;
  secret: Buffer | null;
  createdAt: number;
};

export function upstreamStore({ db, tables: { upstreams } }: Room) {
  const all = db.select().from(upstreams).orderBy(upstreams.name).prepare('upstreams_all');
  const save = statement<UpstreamRow>(
    db
      .insert(upstreams)
      .values(slots('name', 'origin', 'declaration', 'secret', 'createdAt'))
      .onConflictDoUpdate({ target: upstreams.name, set: slots('origin', 'declaration', 'secret') }),
  );
  const remove = statement<{ name: string }>(
    db
      .delete(upstreams)
      .where(eq(upstreams.name, slot('name')))
      .returning({ name: upstreams.name }),
  );

  return {
    list: async (): Promise<UpstreamRow[]> => all.execute(),
    /** Adds it, or replaces what is said of it. */
    save: (row: UpstreamRow): Write => ({ ...save(row), changes: 'upstreams' }),
    /** Loses when there is no such upstream. */
    remove: (name: string): Write => ({ ...remove({ name }), must: true, changes: 'upstreams' }),
  };
}

export type UpstreamStore = ReturnType<typeof upstreamStore>;
