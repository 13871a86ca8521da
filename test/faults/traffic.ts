// Honest clients that go on while something is wrong: they are told 200, or 503 and when to come back, and in the end
// everyone still has a connection. Called by the tests of faults.

import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import { unanswered } from '../crash/client.ts';
import { type Answer, type Connected, connect, introspect } from '../support/flow.ts';
import { SERVER } from '../support/server.ts';
import type { Remote } from './remote.ts';

/** What an answer may be while something is wrong. RFC 9110 §15.6.4: 503 "indicates … a temporary overload". */
export function servedOrLater({ status, headers, body }: Answer): boolean {
  if (status === 200) return true;
  expect([status, body]).toEqual([503, expect.objectContaining({ error: 'temporarily_unavailable' })]);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  return false;
}

/** `turnedAway`: a connection may also be closed without an answer. */
export async function traffic(server: Remote, lanes: number, { turnedAway = false } = {}) {
  const alex = server.alex();
  const all: { connected: Connected; token: string; access: string }[] = [];
  for (let lane = 0; lane < lanes; lane += 1) {
    const connected = await connect(server, { by: alex });
    all.push({ connected, token: connected.tokens.refresh_token, access: connected.tokens.access_token });
  }
  const told = { served: 0, later: 0 };

  /** Refreshes and looks; the same again until it is done. */
  async function turn(lane: (typeof all)[number]): Promise<boolean> {
    try {
      return await asked(lane);
    } catch (error) {
      if (!turnedAway || !unanswered(error)) throw error;
      told.later += 1;
      return false;
    }
  }

  async function asked(lane: (typeof all)[number]): Promise<boolean> {
    const answer = await lane.connected.refresh(lane.token);
    const served = servedOrLater(answer);
    told[served ? 'served' : 'later'] += 1;
    if (!served) return false;
    lane.token = answer.body.refresh_token;
    lane.access = answer.body.access_token;
    const seen = await server.post('/introspect', { token: lane.access }, SERVER);
    if (servedOrLater(seen)) expect(seen.body.active).toBe(true);
    return true;
  }

  return {
    told,
    /** Goes on until `task` is done. */
    async during(task: () => Promise<void>): Promise<void> {
      let over = false;
      const going = Promise.all(
        all.map(async (lane) => {
          while (!over) if (!(await turn(lane))) await wait(50);
        }),
      );
      // what a client was told counts more than what came of it in the task
      await Promise.race([going, task()]).finally(() => {
        over = true;
      });
      await going;
    },
    /** Everyone is served again, within ten seconds, with what they have. */
    async recovers(): Promise<void> {
      const begun = Date.now();
      for (const lane of all) {
        while (!(await turn(lane))) {
          expect(Date.now() - begun).toBeLessThan(10_000);
          await wait(100);
        }
        expect((await introspect(server, lane.access)).active).toBe(true);
      }
    },
  };
}
