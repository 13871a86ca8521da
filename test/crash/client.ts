// An honest client and its person beside a server that dies: what they were told they remember, what they were not
// told they ask again, and nothing of it may turn out to be untrue. Called by crash.test.ts.

import { expect } from 'vitest';
import { pkce } from '../support/flow.ts';
import { person } from '../support/person.ts';
import { RESOURCE, SERVER } from '../support/server.ts';

export const CALLBACK = 'http://127.0.0.1:3999/callback';

type Reply = { status: number; body: Record<string, unknown> };
type Held = { code: string; verifier: string; spent: string[]; refresh: string; access: string };

/** The server died before it answered, or while it did. */
export const unanswered = (error: unknown): boolean =>
  error instanceof TypeError && /fetch failed|terminated/.test(error.message);

/** `name` is an application's: of one that registers the same twice there is one client, and one decision. */
export function honestClient(issuer: string, alex: { username: string; password: string }, name: string) {
  const who = person(alex);
  const dead: Held[] = [];
  let clientId = '';
  let held: Held | undefined;
  let code: { code: string; verifier: string } | undefined;
  /** What was asked last and not answered. */
  let open: (() => Promise<void>) | undefined;

  async function post(path: string, fields: Record<string, string>, basic?: string): Promise<Reply> {
    const response = await fetch(issuer + path, {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: basic ? { authorization: `Basic ${Buffer.from(basic).toString('base64')}` } : {},
    });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : {} };
  }
  const active = async (token: string): Promise<unknown> =>
    (await post('/introspect', { token }, `${SERVER.id}:${SERVER.secret}`)).body['active'];
  const redeem = (given: { code: string; verifier: string }): Promise<Reply> =>
    post('/token', {
      ...{ grant_type: 'authorization_code', client_id: clientId, redirect_uri: CALLBACK },
      ...{ code: given.code, code_verifier: given.verifier },
    });
  const ask = (token: string): Promise<Reply> =>
    post('/token', { grant_type: 'refresh_token', client_id: clientId, refresh_token: token });
  const refused = ({ status, body }: Reply): void =>
    expect([status, body['error']]).toEqual([400, 'invalid_grant']);

  async function register(): Promise<void> {
    const response = await fetch(`${issuer}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ client_name: name, redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none' },
      }),
    });
    const { client_id } = (await response.json()) as { client_id: string };
    expect(response.status).toBe(201);
    clientId = client_id;
  }

  async function connect(): Promise<void> {
    if (!code) {
      const { verifier, challenge } = pkce();
      const query = new URLSearchParams({
        ...{ response_type: 'code', client_id: clientId, redirect_uri: CALLBACK, resource: RESOURCE },
        ...{ scope: 'library:read', code_challenge: challenge, code_challenge_method: 'S256' },
      });
      const callback = new URL(await who.approve(`${issuer}/authorize?${query}`));
      expect(callback.searchParams.get('error')).toBeNull();
      code = { code: callback.searchParams.get('code') ?? '', verifier };
    }
    const { status, body } = await redeem(code);
    const mine = code;
    code = undefined;
    if (status !== 200) {
      // RFC 6749 §4.1.2: it was used, only nobody heard of it. What came of it is ended, and the person goes again.
      refused({ status, body });
      return connect();
    }
    held = {
      ...{ ...mine, spent: [] },
      ...{ refresh: String(body['refresh_token']), access: String(body['access_token']) },
    };
  }

  async function refresh(): Promise<void> {
    if (!held) return;
    const { status, body } = await ask(held.refresh);
    expect([status, body['error_description']]).toEqual([200, undefined]);
    held.spent.push(held.refresh);
    held.refresh = String(body['refresh_token']);
    held.access = String(body['access_token']);
  }

  /** The client signs itself out. */
  async function revoke(): Promise<void> {
    if (!held) return;
    const { status } = await post('/revoke', { token: held.refresh, client_id: clientId });
    expect(status).toBe(200);
    dead.push(held);
    held = undefined;
  }

  /** Somebody comes with what was used long ago; once it is answered, nothing of the family is good. */
  async function theft(): Promise<void> {
    if (!held) return;
    const old = held.spent.length > 1 ? held.spent[0] : undefined;
    refused(old ? await ask(old) : await redeem(held));
    dead.push(held);
    held = undefined;
  }

  const chances = [refresh, refresh, refresh, refresh, revoke, theft, register];

  return {
    /** Does what clients do until the server dies; `random` is 0 ≤ n < 1. */
    async live(random: () => number): Promise<void> {
      for (;;) {
        const next = chances[Math.floor(random() * chances.length)] ?? refresh;
        open =
          clientId === ''
            ? register
            : held && next !== register
              ? next
              : next === register && !held
                ? next
                : connect;
        try {
          await open();
          open = undefined;
        } catch (error) {
          if (unanswered(error)) return;
          throw error;
        }
      }
    },
    /** After the restart: asks again what was not answered, and looks whether what was answered still holds. */
    async recover(): Promise<void> {
      await open?.();
      open = undefined;
      if (held) {
        expect(await active(held.access)).toBe(true);
        await refresh();
        expect(await active(held.access)).toBe(true);
      }
      for (const each of dead.splice(0)) {
        expect(await active(each.access)).toBe(false);
        refused(await ask(each.refresh));
        refused(await redeem(each));
      }
    },
    get clientId(): string {
      return clientId;
    },
  };
}
