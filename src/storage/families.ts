// Families: one installation's tokens, the grants they hang from, and single JWTs revoked before their time.

import type { Write } from './commit.ts';
import { and, eq, isNull } from './drizzle.ts';
import type { GrantRow } from './grants.ts';
import { remembered } from './remembered.ts';
import type { Room } from './room.ts';
import { joinSlot, slot, slots, statement } from './statement.ts';

export type FamilyRow = {
  id: string;
  accountId: string;
  clientId: string;
  createdAt: number;
  lastUsedAt: number | null;
  accessUntil: number | null;
  endedAt: number | null;
  endedBy: string | null;
};

/** A family as a request needs it: with its grants, and whether the account may still act. */
export type FamilyWithGrants = { family: FamilyRow; grants: GrantRow[]; disabledAt: number | null };

/** And with everything else that a token of it hangs from. `client` is null for one that has no row. */
export type FamilyStanding = FamilyWithGrants & {
  client: { id: string; disabledAt: number | null; metadata: unknown } | null;
  /** The token asked about was revoked alone. */
  revoked: boolean;
};

export function familyStore({
  db,
  version,
  tables: { families, familyGrants, grants, accounts, clients, revokedTokens },
}: Room) {
  const withGrants = db
    .select({ family: families, grant: grants, disabledAt: accounts.disabledAt })
    .from(families)
    .innerJoin(familyGrants, eq(familyGrants.familyId, families.id))
    .innerJoin(grants, eq(grants.id, familyGrants.grantId))
    .innerJoin(accounts, eq(accounts.id, families.accountId))
    .where(eq(families.id, joinSlot('id')))
    .prepare('family_with_grants');
  // Introspection's one question, so that an answer that is true now costs one look.
  const standing = db
    .select({
      family: families,
      grant: grants,
      disabledAt: accounts.disabledAt,
      // drizzle takes a joined row for missing when its first column is null
      client: { id: clients.id, disabledAt: clients.disabledAt, metadata: clients.metadata },
      revoked: revokedTokens.jti,
    })
    .from(families)
    .innerJoin(familyGrants, eq(familyGrants.familyId, families.id))
    .innerJoin(grants, eq(grants.id, familyGrants.grantId))
    .innerJoin(accounts, eq(accounts.id, families.accountId))
    .leftJoin(clients, eq(clients.id, families.clientId))
    .leftJoin(revokedTokens, eq(revokedTokens.jti, joinSlot('jti')))
    .where(eq(families.id, joinSlot('id')))
    .prepare('family_standing');
  const standingOf = remembered(version, async (key): Promise<FamilyStanding | undefined> => {
    const [id, jti] = key.split(' ');
    const rows = await standing.execute({ id, jti });
    const [first] = rows;
    if (!first) return undefined;
    const { family, disabledAt, client, revoked } = first;
    return { family, disabledAt, grants: rows.map((row) => row.grant), client, revoked: revoked !== null };
  });
  const revokedToken = db
    .select({ jti: revokedTokens.jti })
    .from(revokedTokens)
    .where(eq(revokedTokens.jti, slot('jti')))
    .prepare('revoked_token');
  const insert = statement<FamilyRow>(
    db
      .insert(families)
      .values(
        slots('id', 'accountId', 'clientId', 'createdAt', 'lastUsedAt', 'accessUntil', 'endedAt', 'endedBy'),
      ),
  );
  const link = statement<{ familyId: string; grantId: string }>(
    db.insert(familyGrants).values(slots('familyId', 'grantId')),
  );
  const end = statement<{ id: string; now: number; by: string }>(
    db
      .update(families)
      .set({ endedAt: slot('now'), endedBy: slot('by') })
      .where(and(eq(families.id, slot('id')), isNull(families.endedAt))),
  );
  const use = statement<{ id: string; now: number; accessUntil: number }>(
    db
      .update(families)
      .set({ lastUsedAt: slot('now'), accessUntil: slot('accessUntil') })
      .where(and(eq(families.id, slot('id')), isNull(families.endedAt)))
      .returning({ id: families.id }),
  );
  const touch = statement<{ id: string; now: number }>(
    db
      .update(families)
      .set({ lastUsedAt: slot('now') })
      .where(eq(families.id, slot('id'))),
  );
  const revoke = statement<{ jti: string; expiresAt: number }>(
    db.insert(revokedTokens).values(slots('jti', 'expiresAt')).onConflictDoNothing(),
  );

  return {
    async find(id: string): Promise<FamilyWithGrants | undefined> {
      const rows = await withGrants.execute({ id });
      const first = rows[0];
      return (
        first && { family: first.family, disabledAt: first.disabledAt, grants: rows.map((row) => row.grant) }
      );
    },
    /** Of a family, as `find`; and of the token of this jti. */
    standing: (id: string, jti: string): Promise<FamilyStanding | undefined> => standingOf(`${id} ${jti}`),
    insert: (row: FamilyRow): Write => insert(row),
    link: (familyId: string, grantId: string): Write => link({ familyId, grantId }),
    end: (id: string, by: string, now: number): Write => end({ id, by, now }),
    /** Tokens were issued, the last of which runs out at `accessUntil`. Loses when the family has ended. */
    use: (id: string, now: number, accessUntil: number): Write => ({
      ...use({ id, now, accessUntil }),
      must: true,
    }),
    touch: (id: string, now: number): Write => touch({ id, now }),
    revokeToken: (jti: string, expiresAt: number): Write => revoke({ jti, expiresAt }),
    /** For a token without a family; `standing` says it of the others. */
    isRevoked: async (jti: string): Promise<boolean> => (await revokedToken.execute({ jti })).length > 0,
  };
}

export type FamilyStore = ReturnType<typeof familyStore>;
