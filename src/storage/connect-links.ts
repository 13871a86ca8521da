// One-time links by which a person lets an MCP server use an upstream; only their digests are here.

import type { Write } from './commit.ts';
import { eq } from './drizzle.ts';
import { once } from './once.ts';
import type { Room } from './room.ts';
import { slot, slots, statement } from './statement.ts';

export type ConnectLinkRow = {
  digest: string;
  accountId: string;
  grantId: string;
  upstream: string;
  createdAt: number;
  expiresAt: number;
  consumedAt: number | null;
};

export function connectLinkStore({ db, tables: { connectLinks } }: Room) {
  const byDigest = db
    .select()
    .from(connectLinks)
    .where(eq(connectLinks.digest, slot('digest')))
    .prepare('connect_link_by_digest');
  const insert = statement<ConnectLinkRow>(
    db
      .insert(connectLinks)
      .values(slots('digest', 'accountId', 'grantId', 'upstream', 'createdAt', 'expiresAt', 'consumedAt')),
  );

  return {
    find: async (digest: string): Promise<ConnectLinkRow | undefined> =>
      (await byDigest.execute({ digest }))[0],
    insert: (row: ConnectLinkRow): Write => insert(row),
    /** Loses when it was used before, or has run out. */
    consume: once(db, connectLinks, connectLinks.digest),
  };
}

export type ConnectLinkStore = ReturnType<typeof connectLinkStore>;
