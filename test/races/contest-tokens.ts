// Contests for codes and tokens. Each prepares its lanes and gives a round, which throws when the rule is broken.
// Called by races.test.ts.

import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect } from 'vitest';
import { pkce } from '../support/flow.ts';
import { RESOURCE } from '../support/server.ts';
import { type Pair, type Reply, together } from './pair.ts';

export type Contest = { round: (lane: number) => Promise<void>; close?: () => Promise<void> };

export const CALLBACK = 'http://127.0.0.1:3999/callback';
const EIGHT = 8; // four at X, four at Y

/** A client that no other lane has: the same registration would be the same client, and one grant for all lanes. */
export async function registered(pair: Pair, metadata: Record<string, unknown> = {}): Promise<string> {
  const reply = await pair.send(1, '/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'A racer',
      redirect_uris: [CALLBACK],
      token_endpoint_auth_method: 'none',
      software_id: randomUUID(),
      ...metadata,
    }),
  });
  expect([reply.status, reply.body['error_description']]).toEqual([201, undefined]);
  return String(reply.body['client_id']);
}

export const authorizeUrl = (pair: Pair, clientId: string, challenge: string): string =>
  `${pair.issuer}/authorize?${new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: CALLBACK,
    resource: RESOURCE,
    scope: 'library:read library:write',
    state: 'a state',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  })}`;

/** A person who is signed in, and their client: made once a lane, for signing in is slow on purpose. */
export async function connection(pair: Pair, metadata: Record<string, unknown> = {}) {
  const person = pair.alex();
  await person.signIn(pair.issuer);
  const clientId = await registered(pair, metadata);
  return {
    person,
    clientId,
    /** A code that nobody has redeemed, and how to. */
    async code() {
      const { verifier, challenge } = pkce();
      const callback = new URL(await person.approve(authorizeUrl(pair, clientId, challenge)));
      const code = callback.searchParams.get('code') ?? '';
      expect(code).not.toBe('');
      return {
        grant_type: 'authorization_code',
        code,
        client_id: clientId,
        redirect_uri: CALLBACK,
        code_verifier: verifier,
      };
    },
  };
}

type Connection = Awaited<ReturnType<typeof connection>>;

const lanesOf = (pair: Pair, lanes: number): Promise<Connection[]> => together(lanes, () => connection(pair));

const winners = (replies: Reply[]): Reply[] => replies.filter(({ status }) => status === 200);

/** Everyone who did not win is told so in the way that makes a client recover, and in no other. */
const expectRefused = (replies: Reply[], error = 'invalid_grant', status = 400): void => {
  for (const reply of replies) {
    if (reply.status !== 200) expect([reply.status, reply.body['error']]).toEqual([status, error]);
  }
};

async function tokensOf(pair: Pair, { code }: Connection) {
  const { status, body } = await pair.post(0, '/token', await code());
  expect([status, body['error_description']]).toEqual([200, undefined]);
  return { access: String(body['access_token']), refresh: String(body['refresh_token']) };
}

const refreshing = (pair: Pair, process: number, clientId: string, token: string): Promise<Reply> =>
  pair.post(process, '/token', { grant_type: 'refresh_token', refresh_token: token, client_id: clientId });

export async function codeContest(pair: Pair, _database: unknown, lanes: number): Promise<Contest> {
  const connections = await lanesOf(pair, lanes);
  return {
    async round(lane) {
      const fields = await (connections[lane] as Connection).code();
      const replies = await together(EIGHT, (each) => pair.post(each, '/token', fields));
      const won = winners(replies);
      expect(won).toHaveLength(1);
      expectRefused(replies);
      // RFC 6749 §4.1.2: "SHOULD revoke (when possible) all tokens previously issued based on that authorization code".
      expect(await pair.seen(won[0]?.body['access_token'])).toEqual([false, false]);
    },
  };
}

export async function refreshContest(pair: Pair, _database: unknown, lanes: number): Promise<Contest> {
  const connections = await lanesOf(pair, lanes);
  const held = await together(lanes, async (lane) =>
    tokensOf(pair, connections[lane] as Connection).then(({ refresh }) => refresh),
  );
  return {
    async round(lane) {
      const { clientId } = connections[lane] as Connection;
      const replies = await together(EIGHT, (each) => refreshing(pair, each, clientId, held[lane] ?? ''));
      expect(replies.map(({ status }) => status)).toEqual(Array(EIGHT).fill(200));
      const successors = new Set(replies.map(({ body }) => body['refresh_token']));
      expect(successors.size).toBe(1);
      expect(successors.has(held[lane])).toBe(false);
      expect(await pair.seen(replies.at(-1)?.body['access_token'])).toEqual([true, true]);
      held[lane] = String([...successors][0]);
    },
  };
}

/** A token and its successor at once: the one proves the other stolen, unless it was just in time. */
export async function theftContest(pair: Pair, _database: unknown, lanes: number): Promise<Contest> {
  const connections = await lanesOf(pair, lanes);
  return {
    async round(lane) {
      const mine = connections[lane] as Connection;
      const { refresh: old } = await tokensOf(pair, mine);
      const next = String((await refreshing(pair, 0, mine.clientId, old)).body['refresh_token']);
      const replies = await together(EIGHT, (each) =>
        refreshing(pair, each, mine.clientId, each % 4 < 2 ? old : next),
      );
      expectRefused(replies);
      const alive = replies.every(({ status }) => status === 200);
      for (const { body } of winners(replies)) {
        expect(await pair.seen(body['access_token'])).toEqual([alive, alive]);
      }
      // Whatever came of it, the old one is of no use once its successor has been used.
      expectRefused([await refreshing(pair, 1, mine.clientId, old)]);
      expect((await refreshing(pair, 0, mine.clientId, old)).status).toBe(400);
      for (const { body } of winners(replies)) {
        expect(await pair.seen(body['access_token'])).toEqual([false, false]);
      }
    },
  };
}

export async function revokeContest(pair: Pair, _database: unknown, lanes: number): Promise<Contest> {
  const connections = await lanesOf(pair, lanes);
  return {
    async round(lane) {
      const mine = connections[lane] as Connection;
      const { access, refresh } = await tokensOf(pair, mine);
      const given = [access];
      const revoking = pair
        .post(lane, '/revoke', { token: refresh, client_id: mine.clientId })
        .then(async ({ status }) => {
          expect(status).toBe(200);
          // What is out at this moment is dead at this moment, and what comes later is born dead.
          for (const token of [...given]) expect(await pair.seen(token)).toEqual([false, false]);
        });
      const replies = await together(EIGHT, async (each) => {
        const reply = await refreshing(pair, each, mine.clientId, refresh);
        if (reply.status === 200) given.push(String(reply.body['access_token']));
        return reply;
      });
      await revoking;
      expectRefused(replies);
      for (const token of given) expect(await pair.seen(token)).toEqual([false, false]);
      for (const { body } of winners(replies)) {
        const again = await refreshing(pair, 1, mine.clientId, String(body['refresh_token']));
        expect([again.status, again.body['error']]).toEqual([400, 'invalid_grant']);
      }
    },
  };
}

/** RFC 7523 §3: "The authorization server MAY ensure that JWTs are not replayed"; we do. */
export async function assertionContest(pair: Pair, _database: unknown, lanes: number): Promise<Contest> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const metadata = {
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig', kid: 'k' }] },
  };
  const assertion = (id: string): Promise<string> =>
    new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuer(id)
      .setSubject(id)
      .setAudience(pair.issuer)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey);
  const signed = async (id: string) => ({
    client_assertion: await assertion(id),
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  });
  const held: string[] = [];
  const connections = await together(lanes, async (lane) => {
    const mine = await connection(pair, metadata);
    const fields = { ...(await mine.code()), ...(await signed(mine.clientId)) };
    const { status, body } = await pair.post(0, '/token', fields);
    expect([status, body['error_description']]).toEqual([200, undefined]);
    held[lane] = String(body['refresh_token']);
    return mine;
  });
  return {
    async round(lane) {
      const { clientId } = connections[lane] as Connection;
      const fields = {
        grant_type: 'refresh_token',
        refresh_token: held[lane],
        ...(await signed(clientId)),
      };
      const replies = await together(EIGHT, (each) => pair.post(each, '/token', fields));
      const won = winners(replies);
      expect(won).toHaveLength(1);
      expectRefused(replies, 'invalid_client', 401);
      // A replayed assertion says nothing about the token that came with it.
      expect(await pair.seen(won[0]?.body['access_token'])).toEqual([true, true]);
      held[lane] = String(won[0]?.body['refresh_token']);
    },
  };
}
