// Contests for what is named once and used once: a pushed request, a device's code, on both sides.
// Called by races.test.ts.

import { expect } from 'vitest';
import { pkce } from '../support/flow.ts';
import { formsOf, textOf } from '../support/person-form.ts';
import { CALLBACK, type Contest, connection } from './contest-tokens.ts';
import { type Pair, type Reply, together } from './pair.ts';

const EIGHT = 8;
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

/** Of the races' configuration: a device for each lane, or two lanes would decide about one connection. */
export const TELEVISIONS = [0, 1, 2, 3].map((lane) => ({
  id: `tv-${lane}`,
  name: 'Television',
  grant_types: [DEVICE, 'refresh_token'],
}));

type Connection = Awaited<ReturnType<typeof connection>>;

const lanesOf = (pair: Pair, lanes: number): Promise<Connection[]> => together(lanes, () => connection(pair));

/** Eight browsers, signed in or not, open what was pushed once. */
export async function pushedContest(pair: Pair, _database: unknown, lanes: number): Promise<Contest> {
  const connections = await lanesOf(pair, lanes);
  return {
    async round(lane) {
      const { clientId } = connections[lane] as Connection;
      const { status, body } = await pair.post(0, '/par', {
        client_id: clientId,
        response_type: 'code',
        redirect_uri: CALLBACK,
        code_challenge: pkce().challenge,
        code_challenge_method: 'S256',
        resource: 'http://127.0.0.1:4100/mcp',
      });
      expect([status, body['error_description']]).toEqual([201, undefined]);
      const query = new URLSearchParams({ client_id: clientId, request_uri: String(body['request_uri']) });
      const open = (each: number): Promise<Reply> =>
        pair.send(each, `/authorize?${query}`, { headers: { accept: 'text/html' } });
      const replies = await together(EIGHT, open);
      const asked = replies.filter(({ headers }) => headers.get('location')?.includes('/interaction/'));
      expect(asked).toHaveLength(1);
      for (const reply of replies) {
        if (!asked.includes(reply))
          expect([reply.status, reply.headers.get('location')]).toEqual([400, null]);
      }
    },
  };
}

/** What a device was given, and the answer that its person is about to send. */
async function aboutToAnswer(pair: Pair, { person }: Connection, lane: number) {
  const client_id = `tv-${lane}`;
  const { status, body } = await pair.post(0, '/device_authorization', {
    client_id,
    resource: 'http://127.0.0.1:4100/mcp',
    scope: 'library:read',
  });
  expect([status, body['error_description']]).toEqual([200, undefined]);
  const page = await person.visit(`${pair.issuer}/device`);
  const view = await person.send(page, ({ controls }) => controls.some(({ name }) => name === 'user_code'), {
    user_code: String(body['user_code']),
  });
  const form = formsOf(view.html, view.url).find(({ controls }) =>
    controls.some(({ name }) => name === 'decision'),
  );
  expect(form, textOf(view.html)).toBeDefined();
  const fields = new URLSearchParams();
  for (const { name, value, type, checked } of form?.controls ?? []) {
    if (name && type !== 'submit' && (type !== 'checkbox' || checked)) fields.append(name, value);
  }
  const cookie = person.cookies.header(view.url) ?? '';
  const answer = (process: number, decision: 'allow' | 'deny'): Promise<Reply> => {
    const sent = new URLSearchParams(fields);
    sent.set('decision', decision);
    return pair.send(process, form?.action ?? '', {
      method: 'POST',
      body: sent,
      headers: { cookie, origin: pair.issuer, accept: 'text/html' },
    });
  };
  const redeem = (process: number): Promise<Reply> =>
    pair.post(process, '/token', {
      grant_type: DEVICE,
      device_code: String(body['device_code']),
      client_id,
    });
  return { answer, redeem };
}

const ended = (reply: Reply, path: string): boolean => reply.headers.get('location')?.endsWith(path) ?? false;

/** Yes and no at once, from the same page: the device hears the one that counted. */
export async function deviceApprovalContest(pair: Pair, _database: unknown, lanes: number): Promise<Contest> {
  const connections = await lanesOf(pair, lanes);
  return {
    async round(lane) {
      const { answer, redeem } = await aboutToAnswer(pair, connections[lane] as Connection, lane);
      const replies = await together(EIGHT, (each) => answer(each, each % 4 < 2 ? 'allow' : 'deny'));
      for (const { status, text } of replies) expect(status, textOf(text)).toBeLessThan(500);
      const allowed = replies.filter((reply) => ended(reply, '/device/allowed')).length;
      const denied = replies.filter((reply) => ended(reply, '/device/denied')).length;
      expect(allowed + denied).toBe(1);
      const { status, body } = await redeem(1);
      expect([status, body['error']]).toEqual(allowed === 1 ? [200, undefined] : [400, 'access_denied']);
    },
  };
}

/** A device that asks from eight places at once; none of them is told to slow down in vain for ever. */
export async function deviceRedemptionContest(
  pair: Pair,
  _database: unknown,
  lanes: number,
): Promise<Contest> {
  const connections = await lanesOf(pair, lanes);
  return {
    async round(lane) {
      const { answer, redeem } = await aboutToAnswer(pair, connections[lane] as Connection, lane);
      expect(ended(await answer(0, 'allow'), '/device/allowed')).toBe(true);
      const replies = await together(EIGHT, redeem);
      const won = replies.filter(({ status }) => status === 200);
      expect(won).toHaveLength(1);
      for (const { status, body } of replies) {
        if (status !== 200) expect([status, body['error']]).toEqual([400, 'slow_down']);
      }
      // Asking at once is haste, not theft.
      expect(await pair.seen(won[0]?.body['access_token'])).toEqual([true, true]);
    },
  };
}
