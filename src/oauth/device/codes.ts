// Device codes (RFC 8628): what a device waits for and a person decides. Two rows under one digest: the decision, and
// when the device last asked, so that a device that asks cannot undo a person's answer. Conditional writes decide.

import type { KeyObject } from 'node:crypto';
import { randomInt } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { mac, random } from '../../crypto.ts';
import type { Work } from '../../domain/audit.ts';
import { Refusal } from '../../errors.ts';
import type { ArtifactRow, Artifacts } from '../adapter.ts';
import { artifactKey } from '../refresh-tokens.ts';

export type DeviceRequest = {
  clientId: string;
  scope: string;
  resources: string[];
  /** How its client proved itself when it asked; nothing for one that does not. */
  method?: string;
};

type Decided =
  | { state: 'pending' }
  | { state: 'denied' }
  | { state: 'allowed'; accountId: string; familyId: string; resources: string[] };

export type DeviceCode = DeviceRequest & Decided;

type Poll = { interval: number; at?: number };

export const DEVICE_CODE_LIFE = 600;
/** Seconds that a device waits between two questions. */
export const DEVICE_INTERVAL = 5;
const LONGEST_INTERVAL = 60;
// A device that counts five seconds by its own clock, over a network, is not always late enough.
const EARLY = 1_000;

// RFC 8628 §6.1: no vowels, so that no words come about, and nothing that looks like something else.
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';
const LENGTH = 8;

/** What somebody typed, as it was made: they put dashes and spaces as they like, and small letters. Undefined: none of ours. */
export function normalCode(typed: string): string | undefined {
  const letters = typed.toUpperCase().replace(/[\s-]/g, '');
  return letters.length === LENGTH && [...letters].every((each) => LETTERS.includes(each))
    ? letters
    : undefined;
}

/** In two halves, as a person reads it. */
export const shownCode = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`;

const CODE = 'DeviceCode';
const POLL = 'DevicePoll';

const answered = async (): Promise<Refusal> =>
  new Refusal('This code was answered already, perhaps in another window.', {
    reason: 'device_code_answered',
    status: 409,
    hint: 'Look at your device: it may be connected. If it is not, start again there.',
  });

export const slowDown = (): Refusal =>
  new Refusal('The device asks too often; it has to wait longer each time.', {
    reason: 'device_slow_down',
    oauth: 'slow_down',
  });

export function deviceCodes({ store, key, clock }: { store: Artifacts; key: KeyObject; clock: Clock }) {
  // With a key: eight letters would be found again from a digest that anybody can compute.
  const uidOf = (userCode: string): string => mac(key, `user code ${userCode}`);

  const read = (row: ArtifactRow | undefined) =>
    row?.model === CODE && row.expiresAt !== null
      ? { row, expired: row.expiresAt <= clock(), code: JSON.parse(row.payload) as DeviceCode }
      : undefined;

  function decide(work: Work, row: ArtifactRow, decided: DeviceCode): void {
    const familyId = decided.state === 'allowed' ? decided.familyId : null;
    const next = { ...row, familyId, payload: JSON.stringify(decided) };
    work.add({ ...store.swap(next, row.payload), lost: answered });
  }

  return {
    /** A new one. Returns both codes; neither is stored. */
    async begin(work: Work, request: DeviceRequest): Promise<{ deviceCode: string; userCode: string }> {
      const deviceCode = random();
      let userCode = '';
      do userCode = Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('');
      while (await store.findByUid(CODE, uidOf(userCode)));
      const expiresAt = clock() + DEVICE_CODE_LIFE * 1000;
      const row = { familyId: null, expiresAt, consumedAt: null };
      const code: DeviceCode = { ...request, state: 'pending' };
      const poll: Poll = { interval: DEVICE_INTERVAL };
      work.add(
        store.insert({
          ...row,
          key: artifactKey(CODE, deviceCode),
          model: CODE,
          uid: uidOf(userCode),
          payload: JSON.stringify(code),
        }),
        store.insert({
          ...row,
          key: artifactKey(POLL, deviceCode),
          model: POLL,
          uid: null,
          payload: JSON.stringify(poll),
        }),
      );
      return { deviceCode, userCode };
    },

    /** By what the device was given. */
    find: async (deviceCode: string) => read(await store.find(artifactKey(CODE, deviceCode))),

    /** By what a person typed: one that waits for an answer, and has not run out. */
    async waiting(typed: string) {
      const userCode = normalCode(typed);
      const found = userCode === undefined ? undefined : read(await store.findByUid(CODE, uidOf(userCode)));
      if (!found || found.expired || found.code.state !== 'pending') return undefined;
      return { ...found, userCode: userCode as string };
    },

    /** One answer counts; whoever is second learns that it was given already. */
    allow: (
      work: Work,
      row: ArtifactRow,
      code: DeviceRequest,
      given: { accountId: string; familyId: string; resources: string[] },
    ): void => decide(work, row, { ...code, state: 'allowed', ...given }),
    deny: (work: Work, row: ArtifactRow, code: DeviceRequest): void =>
      decide(work, row, { ...code, state: 'denied' }),

    /** RFC 8628 §3.5: notes that the device asks. Throws a Refusal `slow_down` when it did so too early. */
    async asks(work: Work, deviceCode: string): Promise<void> {
      const row = await store.find(artifactKey(POLL, deviceCode));
      if (!row) throw slowDown();
      const poll = JSON.parse(row.payload) as Poll;
      const now = clock();
      const next = (changed: Partial<Poll>) =>
        store.swap({ ...row, payload: JSON.stringify({ ...poll, ...changed }) }, row.payload);
      if (poll.at !== undefined && now - poll.at < poll.interval * 1000 - EARLY) {
        const interval = Math.min(LONGEST_INTERVAL, poll.interval + 5);
        work.keep({ ...next({ interval }), must: false });
        throw slowDown();
      }
      work.keep({ ...next({ at: now }), lost: async () => slowDown() });
    },

    /** Redeems it; `lost` says what the second of two is told. */
    consume: (work: Work, row: ArtifactRow, lost: () => Promise<Refusal>): void =>
      work.add({ ...store.consume(row.key, clock()), lost }),
  };
}

export type DeviceCodes = ReturnType<typeof deviceCodes>;
