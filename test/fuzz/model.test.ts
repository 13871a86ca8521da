// Random lives of codes, tokens, grants and clients against a model of them that fits on a page: whatever the order, what
// the server says of every token is what the model says. THREATS M19, P01.

import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { type Answer, authorize, type Client, durably, introspect, register } from '../support/flow.ts';
import type { Person } from '../support/person.ts';
import { type Server, startServer } from '../support/server.ts';

const LONG = process.env['CARDEA_LONG'] !== undefined;
const [CODE, ACCESS, GRACE] = [60_000, 600_000, 120_000];

type Access = { value: string; until: number; revoked: boolean };

/** One installation of a client: what it holds, and whether it lives. */
type Family = {
  client: number;
  code: { value: string; verifier: string; until: number; used: boolean };
  alive: boolean;
  refresh?: string;
  /** The refresh token before, and when it was used; and those before that. */
  old?: { value: string; at: number };
  ancient: string[];
  access: Access[];
};

/** Of clients: whether each is disabled. */
type Model = { now: number; disabled: boolean[]; families: Family[] };
type Real = { alex: Person; clients: Client[] };
type Action = (family: Family, model: Model, real: Real) => Promise<void>;

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
afterEach(() => void vi.useRealTimers());

const idOf = (real: Real, { client }: Family): string => real.clients[client]?.client_id ?? '';
const send = (fields: Record<string, string>): Promise<Answer> => server.post('/token', fields);
const redeem = (client_id: string, { value, verifier }: Family['code']): Promise<Answer> =>
  send({ grant_type: 'authorization_code', client_id, code: value, code_verifier: verifier });
const refresh = (client_id: string, refresh_token: string): Promise<Answer> =>
  send({ grant_type: 'refresh_token', client_id, refresh_token });

/** 200 if `expected`; else what makes the client recover. True for 200. */
function answered({ status, body }: Answer, expected: boolean, model: Model, { client }: Family): boolean {
  if (model.disabled[client]) expect([status, body.error]).toEqual([401, 'invalid_client']);
  else if (expected) expect([status, body.error]).toEqual([200, undefined]);
  else expect([status, body.error]).toEqual([400, 'invalid_grant']);
  return status === 200;
}

function keep(family: Family, model: Model, { body }: Answer): void {
  family.refresh = body.refresh_token;
  family.access.push({ value: body.access_token, until: model.now + ACCESS, revoked: false });
}

/** What may happen; each knows what has to come of it. */
const ACTIONS: Record<string, Action> = {
  async 'the code is redeemed'(family, model, real) {
    const { code, alive } = family;
    const inTime = alive && code.until > model.now;
    const answer = await redeem(idOf(real, family), code);
    if (answered(answer, inTime && !code.used, model, family)) {
      code.used = true;
      keep(family, model, answer);
    } else if (inTime && code.used && !model.disabled[family.client]) family.alive = false;
  },
  async 'a thief without the verifier tries the code'(family, model, real) {
    answered(
      await redeem(idOf(real, family), { ...family.code, verifier: 'x'.repeat(43) }),
      false,
      model,
      family,
    );
  },
  async 'another client tries the code'(family, model, real) {
    const other = { ...family, client: 1 - family.client };
    answered(await redeem(idOf(real, other), family.code), false, model, other);
  },
  async 'it refreshes'(family, model, real) {
    const { refresh: current } = family;
    if (!current) return;
    const answer = await refresh(idOf(real, family), current);
    if (!answered(answer, family.alive, model, family)) return;
    expect(answer.body.refresh_token).not.toBe(current);
    if (family.old) family.ancient.push(family.old.value);
    family.old = { value: current, at: model.now };
    keep(family, model, answer);
  },
  async 'it repeats its last refresh'(family, model, real) {
    const { old, refresh: successor } = family;
    if (!old) return;
    const forgiven = family.alive && model.now <= old.at + GRACE;
    const answer = await refresh(idOf(real, family), old.value);
    if (answered(answer, forgiven, model, family)) {
      expect(answer.body.refresh_token).toBe(successor);
      keep(family, model, answer);
    } else if (!model.disabled[family.client]) family.alive = false;
  },
  async 'somebody brings a refresh token of long ago'(family, model, real) {
    const [ancient] = family.ancient;
    if (!ancient) return;
    answered(await refresh(idOf(real, family), ancient), false, model, family);
    if (!model.disabled[family.client]) family.alive = false;
  },
  async 'another client tries the refresh token'(family, model, real) {
    if (!family.refresh) return;
    const other = { ...family, client: 1 - family.client };
    answered(await refresh(idOf(real, other), family.refresh), false, model, other);
  },
  async 'it hands its refresh token back'(family, model, real) {
    if (!family.refresh) return;
    const { status } = await server.post('/revoke', { token: family.refresh, client_id: idOf(real, family) });
    expect(status).toBe(model.disabled[family.client] ? 401 : 200);
    if (status === 200) family.alive = false;
  },
  async 'it hands an access token back'(family, model, real) {
    const access = family.access.at(-1);
    if (!access) return;
    const { status } = await server.post('/revoke', { token: access.value, client_id: idOf(real, family) });
    if (status === 200) access.revoked = true;
    else expect([status, model.disabled[family.client]]).toEqual([401, true]);
  },
  async 'another client hands its refresh token back'(family, _model, real) {
    const token = family.refresh;
    if (token)
      await server.post('/revoke', {
        token,
        client_id: idOf(real, { ...family, client: 1 - family.client }),
      });
  },
  async 'the person ends the connection'(family, model, real) {
    const { grants } = server.rooms;
    for (const { id } of await grants.live(server.account.id, idOf(real, family)))
      await durably(server, (work) => grants.end(work, id, 'a test'));
    for (const each of model.families) if (each.client === family.client) each.alive = false;
  },
  async 'its client is disabled, or enabled again'(family, model, real) {
    const now = !model.disabled[family.client];
    await durably(server, (work) => server.rooms.clients.setDisabled(work, idOf(real, family), now));
    model.disabled[family.client] = now;
  },
  async 'the person allows it once more, on another machine'({ client: number }, model, real) {
    const client = real.clients[number];
    if (!client || model.disabled[number]) return;
    const { code, verifier } = await authorize(server, { by: real.alex, client });
    const made = { value: code, verifier, until: model.now + CODE, used: false };
    model.families.push({ client: number, code: made, alive: true, access: [], ancient: [] });
  },
  'half a minute passes': async (_family, model) => pass(model, 30_000),
  'two minutes pass': async (_family, model) => pass(model, 121_000),
  'ten minutes pass': async (_family, model) => pass(model, 600_000),
};

function pass(model: Model, ms: number): void {
  model.now += ms;
  vi.setSystemTime(model.now);
}

async function agree(model: Model): Promise<void> {
  for (const { client, alive, access } of model.families) {
    for (const { value, until, revoked } of access) {
      const live = alive && !revoked && until > model.now && !model.disabled[client];
      expect((await introspect(server, value)).active).toBe(live);
    }
  }
}

// What most of the others need comes more often, or most stories would be over before anything happens in them.
const OFTEN = ['the code is redeemed', 'it refreshes', 'it refreshes', 'it repeats its last refresh'];
const names = [...Object.keys(ACTIONS), ...OFTEN, ...OFTEN];
const step = fc.tuple(fc.constantFrom(...names), fc.nat(3));
const story = fc.array(step, { minLength: 30, maxLength: 50, size: 'max' });

it(
  'whatever happens in whatever order, every token is as good as it has to be',
  async () => {
    const began = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: began });
    await fc.assert(
      fc.asyncProperty(story, async (steps) => {
        const alex = await server.signedIn();
        const real = { alex, clients: [await register(server), await register(server)] };
        const model: Model = { now: Date.now(), disabled: [false, false], families: [] };
        const begin = ACTIONS['the person allows it once more, on another machine'];
        for (const client of [0, 1]) await begin?.({ client } as Family, model, real);
        for (const [name, pick] of steps) {
          const family = model.families[pick % model.families.length];
          if (family) await ACTIONS[name]?.(family, model, real);
          await agree(model);
        }
      }),
      { numRuns: LONG ? 1_000 : 40, endOnFailure: !LONG },
    );
  },
  LONG ? 3_600_000 : 120_000,
);
