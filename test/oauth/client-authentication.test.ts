// Client authentication by a secret, or by none (RFC 6749 §2.3): in one way at a time, the one that was registered.
// THREATS E18, E20, E21, E23, E37; PROTOCOL T5.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { durably, register } from '../support/flow.ts';
import { basicConfig, SERVER, type Server, startServer } from '../support/server.ts';

const DECLARED = { id: 'declared', secret: 'a+b/c%20d=e:f-and-more-of-it-0123456789' };

let server: Server;
let basic: { client_id: string; client_secret?: string };
let open: { client_id: string };
beforeAll(async () => {
  server = await startServer({
    config: {
      limits: { sign_ins: 5, registrations: 0 },
      clients: [
        {
          id: DECLARED.id,
          name: 'Declared',
          secret: DECLARED.secret,
          redirect_uris: ['https://app.example/cb'],
        },
      ],
    },
  });
  basic = await register(server, { token_endpoint_auth_method: 'client_secret_basic' });
  open = await register(server);
});
afterAll(() => server.close());

const send = (fields: Record<string, string>, authorization?: string, path = '/revoke') =>
  fetch(server.issuer + path, {
    method: 'POST',
    body: new URLSearchParams({ token: 'x', ...fields }),
    headers: authorization === undefined ? {} : { authorization },
  });
const header = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
const codeOf = async (response: Response) => [response.status, ((await response.json()) as Answer).error];
type Answer = { error: string };

const secretOf = ({ client_secret = '' }: { client_secret?: string }): string => client_secret;

describe('a secret is taken', () => {
  it('as it is and form-encoded, whatever characters it has', async () => {
    const { id, secret } = DECLARED;
    expect((await send({}, header(id, secret))).status).toBe(200);
    expect((await send({}, header(id, encodeURIComponent(secret)))).status).toBe(200);
    expect((await send({ client_id: id, client_secret: secret })).status).toBe(200);
  });

  it('with the scheme in any case', async () => {
    const right = header(basic.client_id, secretOf(basic));
    for (const scheme of ['basic', 'BASIC'])
      expect((await send({}, right.replace('Basic', scheme))).status).toBe(200);
  });

  it('from an MCP server as from a client', async () => {
    expect((await send({}, header(SERVER.id, SERVER.secret), '/introspect')).status).toBe(200);
    const posted = { client_id: SERVER.id, client_secret: SERVER.secret };
    expect((await send(posted, undefined, '/introspect')).status).toBe(200);
  });
});

describe('a client is refused', () => {
  it('that shows its secret in two ways, even the same one', async () => {
    const { client_id } = basic;
    const twice = await send(
      { client_id, client_secret: secretOf(basic) },
      header(client_id, secretOf(basic)),
    );
    expect(await codeOf(twice)).toEqual([400, 'invalid_request']);
  });

  it('whose client_id says one thing and whose header another', async () => {
    const response = await send({ client_id: open.client_id }, header(basic.client_id, secretOf(basic)));
    expect(await codeOf(response)).toEqual([400, 'invalid_request']);
  });

  it('that puts its secret into the address', async () => {
    const { client_id } = basic;
    const path = `/revoke?client_secret=${secretOf(basic)}`;
    expect(await codeOf(await send({ client_id }, undefined, path))).toEqual([400, 'invalid_request']);
  });

  it('that has a secret and shows none, or has none and shows one', async () => {
    expect(await codeOf(await send({ client_id: basic.client_id }))).toEqual([401, 'invalid_client']);
    const one = await send({ client_id: open.client_id, client_secret: 'x' });
    expect(await codeOf(one)).toEqual([401, 'invalid_client']);
  });

  it('that nobody knows, in the words that make it register again', async () => {
    for (const response of [await send({ client_id: 'nobody' }), await send({}, header('nobody', 'x'))]) {
      expect(response.headers.get('www-authenticate')).toBe(
        `Basic realm="${server.issuer}", error="invalid_client"`,
      );
      expect(await codeOf(response)).toEqual([401, 'invalid_client']);
    }
  });

  it('that brings the cookies of a person and nothing else', async () => {
    const alex = await server.signedIn();
    const cookie = alex.cookies.header(new URL(server.issuer)) ?? '';
    expect(cookie).toContain('cardea_session');
    const response = await fetch(`${server.issuer}/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token: 'x' }),
      headers: { cookie },
    });
    expect(await codeOf(response)).toEqual([400, 'invalid_request']);
  });

  it('while it is disabled, whatever it shows', async () => {
    const mine = await register(server, { token_endpoint_auth_method: 'client_secret_basic' });
    const right = header(mine.client_id, secretOf(mine));
    expect((await send({}, right)).status).toBe(200);
    await durably(server, (work) => server.rooms.clients.setDisabled(work, mine.client_id, true));
    expect(await codeOf(await send({}, right))).toEqual([401, 'invalid_client']);
  });
});

describe('secrets are not guessed', () => {
  it('from one network for long; each guess is on record; every other client goes on', async () => {
    const mine = await register(server, { token_endpoint_auth_method: 'client_secret_post' });
    const guess = (client_secret: string) => send({ client_id: mine.client_id, client_secret });
    const answers: number[] = [];
    for (let round = 0; round < 8; round += 1) answers.push((await guess(`guess ${round}`)).status);
    expect(answers).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    const waiting = await guess(secretOf(mine));
    // not even the right one: whoever guesses must not find out
    expect([waiting.status, waiting.headers.get('retry-after')]).toEqual([429, '60']);
    const events = (await server.rooms.audit.latest(50)).filter(
      ({ clientId, action }) => clientId === mine.client_id && action === 'revocation.refused',
    );
    expect(events).toHaveLength(5);
    expect((await send({}, header(basic.client_id, secretOf(basic)))).status).toBe(200);
    expect((await send({}, header(SERVER.id, SERVER.secret), '/introspect')).status).toBe(200);
  });

  it('and the client itself, in another network, notices nothing', async () => {
    const proxied = await startServer({
      config: { ...basicConfig, limits: { sign_ins: 5, registrations: 0 } },
      env: { CARDEA_TRUSTED_PROXIES: '127.0.0.1' },
    });
    try {
      const from = (ip: string, secret: string) =>
        fetch(`${proxied.issuer}/introspect`, {
          method: 'POST',
          body: new URLSearchParams({ token: 'x' }),
          headers: { authorization: header(SERVER.id, secret), 'x-forwarded-for': ip },
        }).then(({ status }) => status);
      for (let round = 0; round < 6; round += 1) await from('198.51.100.7', 'wrong');
      expect(await from('198.51.100.7', SERVER.secret)).toBe(429);
      expect(await from('203.0.113.9', SERVER.secret)).toBe(200);
      // in IPv6 a whole /64 is one
      for (let round = 0; round < 6; round += 1) await from(`2001:db8:1:2::${round}`, 'wrong');
      expect(await from('2001:db8:1:2::ffff', SERVER.secret)).toBe(429);
      expect(await from('2001:db8:1:3::1', SERVER.secret)).toBe(200);
    } finally {
      await proxied.close();
    }
  });
});
