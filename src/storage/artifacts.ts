// What oidc-provider keeps between requests, by digest: codes, tokens, sessions, interactions.
// Nothing here knows what they mean; `key` never is the value itself.

import type { Write } from './commit.ts';
import { and, eq, isNull } from './drizzle.ts';
import { remembered } from './remembered.ts';
import type { Room } from './room.ts';
import { slot, slots, statement } from './statement.ts';

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

export function artifactStore({ db, version, tables: { artifacts } }: Room) {
  const byKey = db
    .select()
    .from(artifacts)
    .where(eq(artifacts.key, slot('key')))
    .prepare('artifact_by_key');
  const byUid = db
    .select()
    .from(artifacts)
    .where(eq(artifacts.uid, slot('uid')))
    .prepare('artifact_by_uid');
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

  const find = async (key: string): Promise<ArtifactRow | undefined> => (await byKey.execute({ key }))[0];

  return {
    find,
    /** As `find`; the same object again, where that is known to be the answer still. */
    recall: remembered(version, find),
    findByUid: async (uid: string): Promise<ArtifactRow | undefined> => (await byUid.execute({ uid }))[0],
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
