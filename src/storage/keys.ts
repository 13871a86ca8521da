// Signing keys and the server's own secrets; private parts arrive sealed and leave sealed.

import { and, eq } from 'drizzle-orm';
import type { Write } from './commit.ts';
import type { Room } from './open.ts';
import { slot, slots, statement } from './statement.ts';

export type KeyRow = {
  kid: string;
  algorithm: string;
  state: string;
  public: unknown;
  private: Buffer;
  createdAt: number;
  changedAt: number;
};

export function keyStore({ db, tables: { signingKeys, secrets } }: Room) {
  const all = db
    .select()
    .from(signingKeys)
    .orderBy(signingKeys.createdAt, signingKeys.kid)
    .prepare('keys_all');
  const insert = statement<KeyRow>(
    db
      .insert(signingKeys)
      .values(slots('kid', 'algorithm', 'state', 'public', 'private', 'createdAt', 'changedAt')),
  );
  const move = statement<{ kid: string; from: string; to: string; now: number }>(
    db
      .update(signingKeys)
      .set({ state: slot('to'), changedAt: slot('now') })
      .where(and(eq(signingKeys.kid, slot('kid')), eq(signingKeys.state, slot('from'))))
      .returning({ kid: signingKeys.kid }),
  );
  const remove = statement<{ kid: string }>(db.delete(signingKeys).where(eq(signingKeys.kid, slot('kid'))));
  const secret = db
    .select()
    .from(secrets)
    .where(eq(secrets.name, slot('name')))
    .prepare('secret_by_name');
  const insertSecret = statement<{ name: string; value: Buffer; createdAt: number }>(
    db
      .insert(secrets)
      .values(slots('name', 'value', 'createdAt'))
      .onConflictDoNothing(),
  );

  return {
    list: async (): Promise<KeyRow[]> => all.execute(),
    insert: (row: KeyRow): Write => insert(row),
    /** Loses when another process moved it first. */
    move: (kid: string, from: string, to: string, now: number): Write => ({
      ...move({ kid, from, to, now }),
      must: true,
    }),
    remove: (kid: string): Write => remove({ kid }),
    findSecret: async (name: string): Promise<Buffer | undefined> =>
      (await secret.execute({ name }))[0]?.value,
    /** Keeps what is there: of two processes starting at once, the first to write wins. */
    addSecret: (name: string, value: Buffer, createdAt: number): Write =>
      insertSecret({ name, value, createdAt }),
  };
}

export type KeyStore = ReturnType<typeof keyStore>;
