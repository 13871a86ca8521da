// One-time links by which a person lets an MCP server use an upstream; only their digests are here.

import type { Write } from './commit.ts';
import { and, eq, gt, isNull } from './drizzle.ts';
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
  const consume = statement<{ digest: string; now: number }>(
    db
      .update(connectLinks)
      .set({ consumedAt: slot('now') })
      .where(
        and(
          eq(connectLinks.digest, slot('digest')),
          isNull(connectLinks.consumedAt),
          gt(connectLinks.expiresAt, slot('now')),
        ),
      )
      .returning({ digest: connectLinks.digest }),
  );

  return {
    find: async (digest: string): Promise<ConnectLinkRow | undefined> =>
      (await byDigest.execute({ digest }))[0],
    insert: (row: ConnectLinkRow): Write => insert(row),
    /** Loses when it was used before, or has run out. */
    consume: (digest: string, now: number): Write => ({ ...consume({ digest, now }), must: true }),
  };
}

export type ConnectLinkStore = ReturnType<typeof connectLinkStore>;
