// What oidc-provider keeps between requests, by digest: codes, tokens, sessions, interactions.
// Nothing here knows what they mean; `key` never is the value itself.

import type { Write } from './commit.ts';
import { alias, and, eq, isNull, sql } from './drizzle.ts';
import type { FamilyStanding } from './families.ts';
import { remembered } from './remembered.ts';
import type { Room } from './room.ts';
import { joinSlot, slot, slots, statement } from './statement.ts';

export type ArtifactRow = {
  key: string;
  model: string;
  /** JSON. */
  payload: string;
  familyId: string | null;
  uid: string | null;
  expiresAt: number | null;
  consumedAt: number | null;
};

/** An artifact and what it hangs from. */
export type HeldRow = {
  row: ArtifactRow;
  behind: FamilyStanding | undefined;
  /** The browser session whose uid it has is there still. */
  inSession: boolean;
};

export function artifactStore({ db, version, tables }: Room) {
  const { artifacts, families, familyGrants, grants, accounts, clients } = tables;
  const byKey = db
    .select()
    .from(artifacts)
    .where(eq(artifacts.key, slot('key')))
    .prepare('artifact_by_key');
  const byUid = db
    .select()
    .from(artifacts)
    .where(and(eq(artifacts.uid, slot('uid')), eq(artifacts.model, slot('model'))))
    .prepare('artifact_by_uid');
  // All that a token request or an introspection wants to know of a token, in one question; with nothing to be filled in
  // but what joinSlot makes of it.
  const sessions = alias(artifacts, 'sessions');
  const withStanding = db
    .select({
      row: artifacts,
      family: families,
      grant: grants,
      account: { id: accounts.id, disabledAt: accounts.disabledAt },
      client: { id: clients.id, disabledAt: clients.disabledAt, metadata: clients.metadata },
      session: sessions.key,
    })
    .from(artifacts)
    .leftJoin(families, eq(families.id, artifacts.familyId))
    .leftJoin(accounts, eq(accounts.id, families.accountId))
    .leftJoin(familyGrants, eq(familyGrants.familyId, families.id))
    .leftJoin(grants, eq(grants.id, familyGrants.grantId))
    .leftJoin(clients, eq(clients.id, families.clientId))
    .leftJoin(sessions, and(eq(sessions.uid, artifacts.uid), sql`${sessions.model} = 'Session'`))
    .where(eq(artifacts.key, joinSlot('key')))
    .prepare('artifact_held');
  const values = slots('key', 'model', 'payload', 'familyId', 'uid', 'expiresAt', 'consumedAt');
  const upsert = statement<ArtifactRow>(
    db
      .insert(artifacts)
      .values(values)
      .onConflictDoUpdate({
        target: artifacts.key,
        set: {
          payload: slot('payload'),
          familyId: slot('familyId'),
          uid: slot('uid'),
          expiresAt: slot('expiresAt'),
        },
      }),
  );
  const replace = statement<ArtifactRow>(
    db
      .update(artifacts)
      .set(slots('payload', 'familyId', 'uid', 'expiresAt'))
      .where(eq(artifacts.key, slot('key')))
      .returning({ key: artifacts.key }),
  );
  const insert = statement<ArtifactRow>(
    db.insert(artifacts).values(values).onConflictDoNothing().returning({ key: artifacts.key }),
  );
  const consume = statement<{ key: string; now: number }>(
    db
      .update(artifacts)
      .set({ consumedAt: slot('now') })
      .where(and(eq(artifacts.key, slot('key')), isNull(artifacts.consumedAt)))
      .returning({ key: artifacts.key }),
  );
  const swap = statement<ArtifactRow & { previous: string }>(
    db
      .update(artifacts)
      .set(slots('payload', 'familyId'))
      .where(
        and(
          eq(artifacts.key, slot('key')),
          eq(artifacts.payload, slot('previous')),
          isNull(artifacts.consumedAt),
        ),
      )
      .returning({ key: artifacts.key }),
  );
  const remove = statement<{ key: string }>(db.delete(artifacts).where(eq(artifacts.key, slot('key'))));
  const take = statement<{ key: string }>(
    db
      .delete(artifacts)
      .where(eq(artifacts.key, slot('key')))
      .returning({ key: artifacts.key }),
  );

  async function held(key: string): Promise<HeldRow | undefined> {
    const rows = await withStanding.execute({ key });
    const [first] = rows;
    if (!first) return undefined;
    const { row, family, account, client, session } = first;
    const inSession = session !== null;
    if (!family || !account) return { row, behind: undefined, inSession };
    // a token that is kept here is removed when it is revoked alone
    const standing = { family, disabledAt: account.disabledAt, client, revoked: false };
    return { row, behind: { ...standing, grants: rows.flatMap(({ grant }) => grant ?? []) }, inSession };
  }

  return {
    find: async (key: string): Promise<ArtifactRow | undefined> => (await byKey.execute({ key }))[0],
    findByUid: async (model: string, uid: string): Promise<ArtifactRow | undefined> =>
      (await byUid.execute({ model, uid }))[0],
    held,
    /** As `held`; the same object again, where that is known to be the answer still. */
    recall: remembered(version, held),
    upsert: (row: ArtifactRow): Write => upsert(row),
    /** Returns a row only if there is one to change: what was removed meanwhile does not come back. */
    replace: (row: ArtifactRow): Write => replace(row),
    /** Returns a row only if the key was free. */
    insert: (row: ArtifactRow): Write => insert(row),
    /** Loses when it was consumed before. */
    consume: (key: string, now: number): Write => ({ ...consume({ key, now }), must: true }),
    /** Loses when its payload is not `previous` any more. */
    swap: (row: ArtifactRow, previous: string): Write => ({ ...swap({ ...row, previous }), must: true }),
    remove: (key: string): Write => remove({ key }),
    /** Removes it for one taker only: loses when it was gone already. */
    take: (key: string): Write => ({ ...take({ key }), must: true }),
  };
}

export type ArtifactStore = ReturnType<typeof artifactStore>;
