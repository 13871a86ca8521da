// Keys: what tokens are signed with, and the root secret that cookies and refresh tokens are derived from.
// Private parts are sealed at rest. Signing keys move next → current → retired and are published all the while.
// What happens to a key is a commit of its own: of several processes that want the same, one does it.

import { createSecretKey, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import type { Clock } from '../clock.ts';
import type { SigningAlgorithm } from '../config.ts';
import { type KeyRing, open, random, rewrap, seal, sealedWith, subkey } from '../crypto.ts';
import { Refusal } from '../errors.ts';
import type { Work } from '../storage/commit.ts';
import type { KeyRow, KeyStore, SealedValue } from '../storage/keys.ts';
import type { Audit, AuditEvent } from './audit.ts';
import { due, type Rotation } from './keys/rotation.ts';
import { type KeyState, newKey, privateKey, type SigningKey } from './keys/signing.ts';

export type { SigningKey } from './keys/signing.ts';

const ROOT = 'root';

/** What came of one step: `at` is when a waiting key may sign, in ms since the epoch. */
export type Rotated = {
  algorithm: string;
  step: 'published' | 'moved' | 'waiting' | 'overtaken';
  kid?: string;
  at?: number;
};

const wrongKey = (cause: unknown): Refusal =>
  new Refusal('The key that this server was given is not the one that its database was sealed with.', {
    reason: 'wrong_key',
    status: 503,
    hint: 'Give CARDEA_KEY (or the key file in the data directory) the value that it had before, or name that in CARDEA_KEY_PREVIOUS.',
    cause,
  });

/** What a value was bound to when it was sealed: its table, row and owner; the root secrets are older than the rule. */
const contextOf = ({ table, id, bound = [] }: SealedValue): string =>
  table === 'secrets' ? id : [table, id, ...bound].join('\0');

export function keys({
  store,
  audit,
  clock,
  ring,
  rotation,
  work: begin,
}: {
  store: KeyStore;
  audit: Audit;
  clock: Clock;
  ring: KeyRing;
  rotation: Rotation;
  work: () => Work;
}) {
  const known = new Map<string, KeyObject>();

  function opened(row: KeyRow): SigningKey {
    try {
      const key = known.get(row.kid) ?? privateKey(ring, row);
      known.set(row.kid, key);
      const { kid, changedAt } = row;
      const [algorithm, state] = [row.algorithm as SigningAlgorithm, row.state as KeyState];
      return { kid, algorithm, state, public: row.public as JWK, private: key, changedAt };
    } catch (cause) {
      throw wrongKey(cause);
    }
  }

  /** Commits all of these or none; false when another process was first. */
  async function first(event: AuditEvent, ...writes: ReturnType<KeyStore['insert']>[]): Promise<boolean> {
    const work = begin();
    const lost = async (): Promise<Refusal> => {
      work.abandon();
      return new Refusal('Another process changed the keys at the same moment.', {
        reason: 'keys_overtaken',
      });
    };
    work.add(...writes.map((write) => ({ ...write, lost })));
    audit.record(work, event);
    try {
      await work.commit();
      return true;
    } catch (error) {
      if (error instanceof Refusal && error.reason === 'keys_overtaken') return false;
      throw error;
    }
  }

  async function make(algorithm: SigningAlgorithm, state: KeyState): Promise<string | undefined> {
    const row = await newKey(ring, algorithm, state, clock());
    const event = { action: 'key.made', detail: { kid: row.kid, algorithm, state } };
    return (await first(event, store.insert(row))) ? row.kid : undefined;
  }

  async function step(
    rows: readonly KeyRow[],
    algorithm: string,
    by: Parameters<typeof due>[3],
  ): Promise<Rotated> {
    const now = clock();
    const mine = rows.filter((row) => row.algorithm === algorithm);
    const next = due(mine, now, rotation, by);
    if (next.step === 'wait') return { algorithm, step: 'waiting', at: next.at };
    if (next.step === 'publish') {
      const kid = await make(algorithm as SigningAlgorithm, 'next');
      return { algorithm, ...(kid ? { step: 'published', kid } : { step: 'overtaken' }) };
    }
    const { from, to } = next;
    const moved = await first(
      { action: 'key.rotated', detail: { algorithm, from: from.kid, to: to.kid } },
      store.move(from.kid, 'current', 'retired', now),
      store.move(to.kid, 'next', 'current', now),
    );
    return { algorithm, ...(moved ? { step: 'moved', kid: to.kid } : { step: 'overtaken' }) };
  }

  return {
    /**
     * The root secret, made on the first start. Throws a Refusal when what is stored was sealed with another key:
     * it is the canary that keeps a wrong CARDEA_KEY from starting.
     */
    async root(): Promise<Buffer> {
      const sealed = await store.findSecret(ROOT);
      if (!sealed) {
        const work = begin();
        const made = seal(ring.current, Buffer.from(random(), 'base64url'), ROOT);
        work.add(store.addSecret(ROOT, made, clock()));
        await work.commit();
        return this.root();
      }
      try {
        return open(ring, sealed, ROOT);
      } catch (cause) {
        throw wrongKey(cause);
      }
    },

    /** Every key that is published, oldest first, private parts opened. Throws a Refusal when one does not open. */
    list: async (): Promise<SigningKey[]> => (await store.list()).map(opened),

    /** Makes a current key for each algorithm that has none. */
    async ensure(algorithms: Iterable<SigningAlgorithm>): Promise<void> {
      const rows = await store.list();
      const have = new Set(rows.filter((row) => row.state === 'current').map((row) => row.algorithm));
      for (const algorithm of algorithms) {
        if (!have.has(algorithm)) await make(algorithm, 'current');
      }
    },

    /**
     * One step of every algorithm, if it is due: a next key is published, or it becomes the current one and that is
     * retired. `asked` by a person, the schedule does not count; `now`, not even that others must hear of a key first.
     * `only` these algorithms, where it is given.
     */
    async rotate(by: 'schedule' | 'asked' | 'now', only?: ReadonlySet<string>): Promise<Rotated[]> {
      const rows = await store.list();
      const done: Rotated[] = [];
      for (const algorithm of new Set(rows.map((row) => row.algorithm))) {
        if (!only || only.has(algorithm)) done.push(await step(rows, algorithm, by));
      }
      return done;
    },

    /** Forgets retired keys whose last token has expired: retired before `before` (ms since the epoch). */
    async forgetRetired(before: number): Promise<void> {
      for (const { kid, algorithm, state, changedAt } of await store.list()) {
        if (state !== 'retired' || changedAt >= before) continue;
        await first({ action: 'key.forgotten', detail: { kid, algorithm } }, store.removeRetired(kid));
        known.delete(kid);
      }
    },

    /**
     * Seals with the current key whatever is sealed with one of before, value by value, each in a commit of its own:
     * stopped half way, it goes on from there. Throws a Refusal at the first value that no key opens.
     */
    async rewrap(): Promise<{ rewrapped: number; already: number; changedMeanwhile: number }> {
      const counts = { rewrapped: 0, already: 0, changedMeanwhile: 0 };
      for await (const value of store.sealed()) {
        if (sealedWith(value.sealed) === ring.current.id) {
          counts.already += 1;
          continue;
        }
        let anew: Buffer;
        try {
          anew = rewrap(ring, value.sealed, contextOf(value));
        } catch (cause) {
          throw wrongKey(cause);
        }
        const detail = { table: value.table, id: value.id, key: ring.current.id };
        const done = await first({ action: 'key.rewrapped', detail }, store.reseal(value, anew));
        counts[done ? 'rewrapped' : 'changedMeanwhile'] += 1;
      }
      return counts;
    },
  };
}

export type Keys = ReturnType<typeof keys>;

/** What is derived from the root secret, one key per purpose. */
export const derived = (root: Buffer) => ({
  cookies: createSecretKey(subkey(root, 'cookies')),
  refreshTokens: createSecretKey(subkey(root, 'refresh tokens')),
  forms: createSecretKey(subkey(root, 'forms')),
  userCodes: createSecretKey(subkey(root, 'user codes')),
  dpopNonces: createSecretKey(subkey(root, 'dpop nonces')),
});

export type DerivedKeys = ReturnType<typeof derived>;
