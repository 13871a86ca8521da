// An upstream that hands out refresh tokens good for one use, over HTTP on loopback, and a connector that asks it.
// It counts what it was asked, and can be slow, away, or done with somebody. Called by the tests of the vault.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { random } from '../../src/crypto.ts';
import type { Connector, UpstreamTokens } from '../../src/domain/upstream/connector.ts';
import { Refusal } from '../../src/errors.ts';

export async function rotatingUpstream(clock: () => number) {
  const live = new Set<string>();
  const knobs = { delay: 0, down: false, lifetime: 3_600_000, canRevoke: true, downScope: false };
  const dead = new Set<string>();
  const asks = { alive: false, unread: false };
  const asked = { refresh: 0, revoke: 0, alive: 0 };
  const given: string[] = [];

  function tokens(scopes: string[]): UpstreamTokens {
    const made = { accessToken: `at-${random(18)}`, refreshToken: `rt-${random(18)}` };
    live.add(made.refreshToken);
    given.push(made.accessToken, made.refreshToken);
    return { ...made, expiresAt: clock() + knobs.lifetime, scopes, tokenType: 'Bearer' };
  }

  const server = createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    const { token } = JSON.parse(body) as { token: string };
    const answer = (status: number, what: unknown) => res.writeHead(status).end(JSON.stringify(what));
    if (req.url === '/revoke') {
      asked.revoke += 1;
      if (knobs.down) return answer(500, {});
      live.delete(token);
      return answer(200, {});
    }
    asked.refresh += 1;
    if (knobs.down) return answer(500, {});
    const known = live.delete(token);
    const made = known && tokens([]);
    await pause(knobs.delay);
    return known ? answer(200, made) : answer(400, { error: 'invalid_grant' });
  });
  await new Promise<void>((listening) => void server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function send(path: string, token: string | undefined): Promise<Record<string, unknown>> {
    const response = await fetch(url + path, { method: 'POST', body: JSON.stringify({ token }) });
    const body = (await response.json()) as Record<string, unknown>;
    if (response.status >= 500) throw new Refusal('down', { reason: 'upstream_unavailable', status: 503 });
    if (response.status >= 400) throw new Refusal('over', { reason: 'upstream_revoked' });
    return body;
  }

  const notAsked = async (): Promise<never> => {
    throw new Error('the vault has no business with this');
  };
  const connector: Connector = {
    kind: 'oidc',
    get can() {
      const { canRevoke: revoke } = knobs;
      const downScope = knobs.downScope && !asks.unread;
      return { signIn: true, refresh: true, revoke, groups: false, downScope };
    },
    async learn() {
      if (knobs.down) throw new Refusal('down', { reason: 'upstream_unavailable', status: 503 });
      asks.unread = false;
    },
    authorizationUrl: notAsked,
    redeem: notAsked,
    test: notAsked,
    refresh: async (before) => (await send('/refresh', before.refreshToken)) as unknown as UpstreamTokens,
    revoke: async (before) => void (await send('/revoke', before.refreshToken)),
    get alive() {
      if (!asks.alive) return undefined as never;
      return async ({ accessToken }: UpstreamTokens) => {
        asked.alive += 1;
        if (knobs.down) throw new Refusal('down', { reason: 'upstream_unavailable', status: 503 });
        return !dead.has(accessToken);
      };
    },
    downScope: async (before, scopes) => {
      if (dead.has(before.accessToken)) throw new Refusal('over', { reason: 'upstream_revoked' });
      return { ...before, accessToken: `small-${random(9)}`, scopes: [...scopes] };
    },
  };

  return {
    connector,
    knobs,
    /** Whether it can be asked about a token without using it, as GitHub can; whether what it can is still to be read. */
    asks,
    /** Access tokens that it does not take any more, though they have not run out. */
    dead,
    asked,
    /** Every secret that it ever handed out. */
    given,
    tokens,
    /** Refresh tokens that it would still take. */
    live,
    close: () => new Promise<void>((closed) => void server.close(() => closed())),
  };
}

export type RotatingUpstream = Awaited<ReturnType<typeof rotatingUpstream>>;
