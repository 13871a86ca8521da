// The device flow (RFC 8628): a device without a browser shows a code, its person types it elsewhere and decides.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dpopKey } from '../support/dpop.ts';
import {
  claimsOf,
  connect,
  durably,
  introspect,
  type Params,
  register,
  search,
  slowReads,
} from '../support/flow.ts';
import { later } from '../support/later.ts';
import { type Person, person, type View } from '../support/person.ts';
import { formsOf, textOf } from '../support/person-form.ts';
import { toolsOn } from '../support/person-tools.ts';
import { RESOURCE, type Server, startServer } from '../support/server.ts';
import { stored } from '../support/stored.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const TV = { id: 'tv', name: 'Television', grant_types: [GRANT, 'refresh_token'] };
const BOUND = { ...TV, id: 'bound-tv', name: 'Bound', dpop_bound: true };
const PROVEN = { ...TV, id: 'proven-tv', name: 'Proven', secret: 'a-secret-of-the-proven-television-01' };

let server: Server;
let alex: Person;
beforeAll(async () => {
  server = await startServer({ config: { clients: [TV, PROVEN, BOUND] } });
  alex = await server.signedIn();
});
afterAll(() => server.close());

const ask = (changes: Params = {}) =>
  server.post(
    '/device_authorization',
    search({ client_id: 'tv', resource: RESOURCE, scope: 'library:read', ...changes }),
  );

type Asked = { device_code: string; user_code: string; verification_uri_complete: string };
const begun = async (changes: Params = {}): Promise<Asked> => {
  const { status, body } = await ask(changes);
  expect([status, body.error_description]).toEqual([200, undefined]);
  return body as Asked;
};
const poll = (device_code: string, changes: Params = {}) =>
  server.post('/token', search({ grant_type: GRANT, device_code, client_id: 'tv', ...changes }));
const told = async (device_code: string, changes: Params = {}) => {
  const { status, body } = await poll(device_code, changes);
  return status === 200 ? 'tokens' : (body.error as string);
};

/** Types the code, and is on the page that it leads to. */
async function typed(user_code: string, by = alex): Promise<View> {
  const page = await by.visit(`${server.issuer}/device`);
  return by.send(page, ({ controls }) => controls.some(({ name }) => name === 'user_code'), { user_code });
}

/** A consent form sent with these ticks. */
async function decided(view: View, decision: string, ticks = ['library:read search_books'], by = alex) {
  const form = formsOf(view.html, view.url).find(({ controls }) =>
    controls.some(({ name }) => name === 'decision'),
  );
  if (!form) throw new Error(`no consent: ${textOf(view.html)}`);
  const of = (name: string) => form.controls.find((each) => each.name === name)?.value ?? '';
  const body = search({ csrf: of('csrf'), user_code: of('user_code'), tool: ticks, decision });
  const cookie = by.cookies.header(view.url) ?? '';
  const headers = { cookie, origin: server.issuer, accept: 'text/html' };
  return fetch(form.action, { method: 'POST', redirect: 'manual', headers, body });
}

describe('a device', () => {
  it('is given codes, and gets tokens once its person has allowed some of it', async () => {
    const { status, body, headers } = await ask();
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toEqual({
      device_code: expect.stringMatching(/^[\w-]{43}$/),
      user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
      verification_uri: `${server.issuer}/device`,
      verification_uri_complete: `${server.issuer}/device?code=${body.user_code}`,
      expires_in: 600,
      interval: 5,
    });
    expect(await told(body.device_code)).toBe('authorization_pending');
    const page = await typed(body.user_code.toLowerCase().replace('-', ' '));
    expect(toolsOn(page.html).map(({ tool }) => tool)).toEqual(['search_books', 'list_loans']);
    expect(textOf(page.html)).toContain(body.user_code);
    expect(textOf(page.html)).toMatch(/Only go on if you started this yourself/);
    // anybody can begin with the id of a public client
    expect(textOf(page.html)).toMatch(/cannot verify/);
    const done = await decided(page, 'allow');
    expect(done.headers.get('location')).toBe('/device/allowed');
    later(5_000);
    const tokens = await poll(body.device_code);
    expect(tokens.body).toMatchObject({
      token_type: 'Bearer',
      scope: 'library:read',
      refresh_token: expect.any(String),
    });
    expect(claimsOf(tokens.body.access_token)).toMatchObject({
      aud: RESOURCE,
      client_id: 'tv',
      sub: server.account.id,
      tools: { 'library:read': ['search_books'] },
    });
    expect((await introspect(server, tokens.body.access_token)).active).toBe(true);
    const refresh = {
      grant_type: 'refresh_token',
      client_id: 'tv',
      refresh_token: tokens.body.refresh_token,
    };
    expect((await server.post('/token', refresh)).status).toBe(200);
  });

  it('is told when its person said no, or ticked nothing', async () => {
    for (const [decision, ticks] of [
      ['deny', ['library:read search_books']],
      ['allow', []],
    ] as const) {
      const { device_code, user_code } = await begun();
      const answer = await decided(await typed(user_code), decision, [...ticks]);
      expect(answer.headers.get('location')).toBe('/device/denied');
      expect(await told(device_code)).toBe('access_denied');
    }
  });

  it('that asks too often is told to slow down, and has to wait five seconds longer each time', async () => {
    const { device_code } = await begun();
    expect(await told(device_code)).toBe('authorization_pending');
    expect(await told(device_code)).toBe('slow_down');
    later(6_000);
    expect(await told(device_code)).toBe('slow_down');
    later(10_000);
    expect(await told(device_code)).toBe('authorization_pending');
  });

  it('is told when its code has run out, and the page does not know it any more', async () => {
    const { device_code, user_code } = await begun();
    const page = await typed(user_code);
    later(601_000);
    expect(await told(device_code)).toBe('expired_token');
    expect((await decided(page, 'allow')).status).toBe(422);
    expect((await typed(user_code)).status).toBe(422);
  });

  it('that proves itself by a secret has to do so each time', async () => {
    const basic = { id: PROVEN.id, secret: PROVEN.secret };
    const fields = { resource: RESOURCE, scope: 'library:read' };
    expect((await server.post('/device_authorization', { ...fields, client_id: PROVEN.id })).status).toBe(
      401,
    );
    const { body } = await server.post('/device_authorization', fields, basic);
    await decided(await typed(body.user_code), 'allow');
    const redeem = { grant_type: GRANT, device_code: body.device_code };
    expect((await server.post('/token', { ...redeem, client_id: PROVEN.id })).body.error).toBe(
      'invalid_client',
    );
    expect((await server.post('/token', redeem, basic)).status).toBe(200);
  });

  it('that holds a key gets tokens for that key, and has to show it each time', async () => {
    const own = { client_id: 'bound-tv' };
    const key = await dpopKey();
    const { device_code, user_code } = await begun(own);
    const withProof = async (of: typeof key) =>
      (
        await fetch(`${server.issuer}/token`, {
          method: 'POST',
          body: search({ grant_type: GRANT, device_code, ...own }),
          headers: { dpop: await of.proof(`${server.issuer}/token`) },
        })
      ).json() as Promise<Record<string, string>>;
    expect(await told(device_code, own)).toBe('invalid_dpop_proof');
    expect((await withProof(key))['error']).toBe('authorization_pending');
    await decided(await typed(user_code), 'allow');
    later(6_000);
    expect(await told(device_code, own)).toBe('invalid_dpop_proof');
    const tokens = await withProof(key);
    expect(tokens['token_type']).toBe('DPoP');
    expect(claimsOf(tokens['access_token'] ?? '')['cnf']).toEqual({ jkt: key.jkt });
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens['refresh_token'] ?? '', ...own };
    const stolen = await server.post('/token', refresh);
    expect(stolen.body.error).toBe('invalid_dpop_proof');
  });

  it('that shows a proof though it need not is held to its key from then on', async () => {
    const [key, thief] = [await dpopKey(), await dpopKey()];
    const { device_code, user_code } = await begun();
    await decided(await typed(user_code), 'allow');
    const shown = async (of: typeof key | undefined, fields: Record<string, string>) => {
      const headers = of ? { dpop: await of.proof(`${server.issuer}/token`) } : {};
      const body = search({ client_id: 'tv', ...fields });
      const response = await fetch(`${server.issuer}/token`, { method: 'POST', body, headers });
      return (await response.json()) as Record<string, string>;
    };
    const tokens = await shown(key, { grant_type: GRANT, device_code });
    expect([tokens['token_type'], claimsOf(tokens['access_token'] ?? '')['cnf']]).toEqual([
      'DPoP',
      { jkt: key.jkt },
    ]);
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens['refresh_token'] ?? '' };
    for (const other of [undefined, thief])
      expect((await shown(other, refresh))['error']).toBe('invalid_grant');
    const next = await shown(key, refresh);
    expect(claimsOf(next['access_token'] ?? '')['cnf']).toEqual({ jkt: key.jkt });
  });

  it('whose proof is wrong has not asked: it need not wait longer for it', async () => {
    const own = { client_id: 'bound-tv' };
    const key = await dpopKey();
    const { device_code, user_code } = await begun(own);
    await decided(await typed(user_code), 'allow');
    for (const claims of [{ htu: `${server.issuer}/par` }, { jti: undefined }]) {
      const dpop = await key.proof(`${server.issuer}/token`, claims);
      const body = search({ grant_type: GRANT, device_code, ...own });
      const response = await fetch(`${server.issuer}/token`, { method: 'POST', body, headers: { dpop } });
      expect(await response.json()).toMatchObject({ error: 'invalid_dpop_proof' });
    }
    const dpop = await key.proof(`${server.issuer}/token`);
    const body = search({ grant_type: GRANT, device_code, ...own });
    const response = await fetch(`${server.issuer}/token`, { method: 'POST', body, headers: { dpop } });
    expect(await response.json()).toMatchObject({ token_type: 'DPoP' });
  });

  it('gets the usual scopes when it names none, and what is unknown is left out', async () => {
    const { user_code } = await begun({ scope: 'nope' });
    expect(toolsOn((await typed(user_code)).html).map(({ scope }) => scope)).toEqual([
      'library:read',
      'library:read',
    ]);
  });

  it.each<[string, Params, string]>([
    ['an unknown resource', { resource: 'https://unknown.example/mcp' }, 'invalid_target'],
    ['no resource where there are several', { resource: undefined }, 'invalid_target'],
    ['an unknown client', { client_id: 'nobody' }, 'invalid_client'],
  ])('with %s is refused', async (_what, changes, error) => {
    const { status, body } = await ask(changes);
    expect([status >= 400 && status < 500, body.error]).toEqual([true, error]);
  });
});

describe('a device code', () => {
  it('is good once: used again later, it ends what came from it', async () => {
    const { device_code, user_code } = await begun();
    await decided(await typed(user_code), 'allow');
    const { body } = await poll(device_code);
    later(6_000);
    expect(await told(device_code)).toBe('invalid_grant');
    expect((await introspect(server, body.access_token)).active).toBe(false);
  });

  it('asked for by eight at once becomes tokens once, and they stay good', async () => {
    const slow = await startServer({ config: { clients: [TV] } });
    const before = server;
    try {
      server = slow;
      slowReads(slow);
      const by = slow.alex();
      await by.signIn(slow.issuer);
      const { device_code, user_code } = await begun();
      await decided(await typed(user_code, by), 'allow', undefined, by);
      const answers = await Promise.all(Array.from({ length: 8 }, () => poll(device_code)));
      const won = answers.filter(({ status }) => status === 200);
      expect(won).toHaveLength(1);
      for (const { body, status } of answers) if (status !== 200) expect(body.error).toBe('slow_down');
      expect((await introspect(slow, won[0]?.body.access_token)).active).toBe(true);
    } finally {
      server = before;
      await slow.close();
    }
  });

  it('is of no use to another client, and its own is not hurt by the try', async () => {
    const { device_code, user_code } = await begun();
    await decided(await typed(user_code), 'allow');
    const stolen = { grant_type: GRANT, device_code };
    const basic = { id: PROVEN.id, secret: PROVEN.secret };
    expect((await server.post('/token', stolen, basic)).body.error).toBe('invalid_grant');
    expect(await told(device_code)).toBe('tokens');
  });

  it('is not given to a client that registered itself', async () => {
    const { client_id } = await register(server, { grant_types: ['authorization_code', GRANT] });
    expect((await ask({ client_id })).body.error).toBe('unauthorized_client');
    expect((await poll('x', { client_id })).body.error).toBe('unauthorized_client');
  });

  it('is given to one where the operator lets them, and its page says that nobody vouches for it', async () => {
    const open = await startServer({ config: { registration: { device_code: true } } });
    try {
      const { client_id } = await register(open, { grant_types: ['authorization_code', GRANT] });
      const { body } = await open.post('/device_authorization', { client_id, resource: RESOURCE });
      const by = open.alex();
      await by.signIn(open.issuer);
      const page = await by.visit(`${open.issuer}/device`);
      const view = await by.send(page, ({ controls }) => controls.some(({ name }) => name === 'user_code'), {
        user_code: body.user_code,
      });
      expect(textOf(view.html)).toMatch(/cannot verify/i);
    } finally {
      await open.close();
    }
  });

  it('opens nothing as anything else, and nothing else opens as it', async () => {
    const { device_code, user_code } = await begun();
    expect(
      (
        await server.post('/token', {
          grant_type: 'refresh_token',
          refresh_token: device_code,
          client_id: 'tv',
        })
      ).body.error,
    ).toBe('invalid_grant');
    expect(await introspect(server, device_code)).toEqual({ active: false });
    expect(await told(user_code)).toBe('invalid_grant');
    const { tokens } = await connect(server, { by: alex });
    expect(await told(tokens.refresh_token)).toBe('invalid_grant');
  });

  it('and the code that a person types are nowhere in the database', async () => {
    const { device_code, user_code } = await begun();
    const rows = JSON.stringify(stored(server));
    for (const value of [device_code, user_code, user_code.replace('-', '')])
      expect(rows).not.toContain(value);
  });

  it('allowed and then ended by the person gives nothing', async () => {
    const { device_code, user_code } = await begun();
    await decided(await typed(user_code), 'allow');
    await durably(server, (work) => server.rooms.grants.endAll(work, server.account.id, 'a test'));
    expect(await told(device_code)).toBe('invalid_grant');
  });
});

describe('the page', () => {
  it('asks to sign in first, and comes back with the code that the link had', async () => {
    const { verification_uri_complete, user_code } = await begun();
    const stranger = server.alex();
    const signIn = await stranger.visit(verification_uri_complete);
    expect(signIn.url.pathname).toBe('/sign-in');
    const { username } = { username: 'alex' };
    const page = await stranger.send(
      signIn,
      ({ controls }) => controls.some(({ name }) => name === 'password'),
      { username, password: server.password },
    );
    expect(page.url.pathname).toBe('/device');
    expect(page.html).toContain(`value="${user_code}"`);
    // a link alone shows nothing of what is asked: the person goes on by themselves
    expect(toolsOn(page.html)).toEqual([]);
  });

  it.each(['', 'AAAA-AAAA', 'BCDF-GHJ', 'BCDFGHJKL', '<script>', 'BCDF-GHJK'])(
    'does not know %j',
    async (code) => {
      const page = await typed(code);
      expect(page.status).toBe(422);
      expect(page.html).not.toContain('<script>');
    },
  );

  it('takes one answer: of two at once, one counts and the other is told', async () => {
    const { device_code, user_code } = await begun();
    const page = await typed(user_code);
    const [one, two] = await Promise.all([decided(page, 'allow'), decided(page, 'deny')]);
    const wins = [one, two].filter(({ status }) => status === 303);
    expect(wins).toHaveLength(1);
    expect([409, 422]).toContain([one, two].find(({ status }) => status !== 303)?.status);
    expect(await told(device_code)).toBe(one.status === 303 ? 'tokens' : 'access_denied');
    expect((await typed(user_code)).status).toBe(422);
  });

  it('of eight answers at once, one makes a connection', async () => {
    const { device_code, user_code } = await begun();
    const page = await typed(user_code);
    const answers = await Promise.all(Array.from({ length: 8 }, () => decided(page, 'allow')));
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
    expect(await told(device_code)).toBe('tokens');
  });

  it('is refused from a foreign page, without its token, and in another browser', async () => {
    const { device_code, user_code } = await begun();
    const page = await typed(user_code);
    const stranger = person({ username: 'alex', password: server.password });
    expect((await decided(page, 'allow', undefined, stranger)).status).toBe(303);
    const second = await server.signedIn();
    expect((await decided(page, 'allow', undefined, second)).status).toBe(403);
    const foreign = await fetch(`${server.issuer}/device/decide`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: alex.cookies.header(page.url) ?? '', origin: 'https://evil.example' },
      body: search({ user_code, decision: 'allow', tool: 'library:read search_books' }),
    });
    expect(foreign.status).toBe(403);
    expect(await told(device_code)).toBe('authorization_pending');
  });

  it('takes no tick for what was not asked', async () => {
    const { device_code, user_code } = await begun();
    await decided(await typed(user_code), 'allow', [
      'library:read search_books',
      'library:write add_book',
      'admin',
    ]);
    const { body } = await poll(device_code);
    expect(body.scope).toBe('library:read');
  });
});

it('who tries codes out is made to wait', async () => {
  const guessed = await startServer({ config: { clients: [TV] } });
  try {
    const by = guessed.alex();
    await by.signIn(guessed.issuer);
    const statuses: number[] = [];
    for (let n = 0; n < 23; n += 1) {
      const page = await by.visit(`${guessed.issuer}/device`);
      const isForm = ({ controls }: { controls: { name: string }[] }) =>
        controls.some(({ name }) => name === 'user_code');
      statuses.push((await by.send(page, isForm, { user_code: 'BCDF-GHJK' })).status);
    }
    expect(new Set(statuses.slice(0, 20))).toEqual(new Set([422]));
    expect(statuses.at(-1)).toBe(429);
  } finally {
    await guessed.close();
  }
});

it('a client that may do both goes either way', async () => {
  const both = { id: 'both', name: 'Both', grant_types: ['authorization_code', 'refresh_token', GRANT] };
  const own = await startServer({
    config: { clients: [{ ...both, redirect_uris: ['http://127.0.0.1:3999/callback'] }] },
  });
  try {
    const { tokens } = await connect(own, { client: { client_id: 'both' } });
    expect(tokens.scope).toContain('library:read');
  } finally {
    await own.close();
  }
});
