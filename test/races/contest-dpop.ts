// One DPoP proof, sent with eight requests at once (RFC 9449 §11.1). THREATS R01.

import { expect } from 'vitest';
import { dpopKey } from '../support/dpop.ts';
import { type Contest, connection } from './contest-tokens.ts';
import { type Pair, type Reply, together } from './pair.ts';

/** Without the proof's one use, the grace window would serve all eight. */
export async function proofContest(pair: Pair, _database: unknown, lanes: number): Promise<Contest> {
  const key = await dpopKey();
  const endpoint = `${pair.issuer}/token`;
  const send = (process: number, fields: Record<string, string>, proof: string): Promise<Reply> =>
    pair.send(process, '/token', {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: { dpop: proof },
    });
  const held = await together(lanes, async () => {
    const mine = await connection(pair);
    const { status, body } = await send(0, await mine.code(), await key.proof(endpoint));
    expect([status, body['token_type']]).toEqual([200, 'DPoP']);
    return { clientId: mine.clientId, refresh: String(body['refresh_token']) };
  });
  return {
    async round(lane: number): Promise<void> {
      const mine = held[lane] as (typeof held)[number];
      const fields = { grant_type: 'refresh_token', refresh_token: mine.refresh, client_id: mine.clientId };
      const proof = await key.proof(endpoint);
      const replies = await together(8, (each) => send(each, fields, proof));
      const [won, ...others] = replies.toSorted((a, b) => a.status - b.status);
      expect(won?.status).toBe(200);
      expect(others.map(({ status, body }) => [status, body['error']])).toEqual(
        Array(7).fill([400, 'invalid_dpop_proof']),
      );
      // A proof that was sent again says nothing about the token that came with it.
      expect(await pair.seen(won?.body['access_token'])).toEqual([true, true]);
      mine.refresh = String(won?.body['refresh_token']);
    },
  };
}
