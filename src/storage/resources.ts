// Protected resources: the MCP servers that tokens are made for.

import type { Write } from './commit.ts';
import { eq } from './drizzle.ts';
import type { Room } from './room.ts';
import { slot, slots, statement } from './statement.ts';

export type ResourceRow = {
  uri: string;
  origin: string;
  declaration: unknown;
  serverId: string | null;
  serverSecret: string | null;
  createdAt: number;
};

export function resourceStore({ db, tables: { resources } }: Room) {
  const save = statement<ResourceRow>(
    db
      .insert(resources)
      .values(slots('uri', 'origin', 'declaration', 'serverId', 'serverSecret', 'createdAt'))
      .onConflictDoUpdate({
        target: resources.uri,
        set: slots('origin', 'declaration', 'serverId', 'serverSecret'),
      }),
  );
  const remove = statement<{ uri: string }>(
    db
      .delete(resources)
      .where(eq(resources.uri, slot('uri')))
      .returning({ uri: resources.uri }),
  );
  const all = db.select().from(resources).orderBy(resources.uri).prepare('resources_all');

  return {
    list: async (): Promise<ResourceRow[]> => all.execute(),
    /** Adds it, or replaces what is said of it. */
    save: (row: ResourceRow): Write => ({ ...save(row), changes: 'resources' }),
    /** Loses when there is no such resource. */
    remove: (uri: string): Write => ({ ...remove({ uri }), must: true, changes: 'resources' }),
  };
}

export type ResourceStore = ReturnType<typeof resourceStore>;
