// Consent: a person sees which tools a client may call, leaves out what they like, and only what they ticked counts.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authorize,
  CALLBACK,
  claimsOf,
  connect,
  durably,
  grantOf,
  introspect,
  register,
} from '../support/flow.ts';
import { type Person, person } from '../support/person.ts';
import { formsOf, textOf } from '../support/person-form.ts';
import { type OfferedTool, toolsOn } from '../support/person-tools.ts';
import { OTHER_RESOURCE, RESOURCE, type Server, startServer } from '../support/server.ts';

const HTTPS = 'https://proven.example/cb';

let server: Server;
let alex: Person;
beforeAll(async () => {
  server = await startServer({
    config: { clients: [{ id: 'proven', name: 'Proven', redirect_uris: [HTTPS, CALLBACK] }] },
  });
  alex = await server.signedIn();
});
afterAll(() => server.close());

/** What the consent page offered, or nothing when there was none. */
function watch() {
  const offered: OfferedTool[] = [];
  const inspect = (html: string, kind: string) => void (kind === 'consent' && offered.push(...toolsOn(html)));
  return { offered, inspect, ticked: () => offered.filter(({ checked }) => checked).map(({ tool }) => tool) };
}

describe('what is ticked', () => {
  it('is everything that was asked for, and nothing else is offered', async () => {
    const { inspect, ticked, offered } = watch();
    await connect(server, { by: alex, params: { scope: 'library:read' }, inspect });
    expect(ticked()).toEqual(['search_books', 'list_loans']);
    expect(offered).toHaveLength(2);
  });

  it('becomes the token; a scope with nothing ticked is not in it', async () => {
    const { tokens } = await connect(server, { by: alex, untick: ['list_loans', 'add_book', 'remove_book'] });
    expect(tokens.scope).toBe('library:read');
    expect(claimsOf(tokens.access_token)['tools']).toEqual({ 'library:read': ['search_books'] });
  });

  it('is remembered when the same client asks again', async () => {
    const { client } = await connect(server, { by: alex, untick: ['remove_book'] });
    const { inspect, ticked } = watch();
    await connect(server, { by: alex, client, inspect });
    expect(ticked()).toEqual(['search_books', 'list_loans', 'add_book']);
  });

  it('may be nothing: that is a refusal', async () => {
    const untick = ['search_books', 'list_loans', 'add_book', 'remove_book'];
    const { callback } = await authorize(server, { by: alex, untick });
    expect(Object.fromEntries(callback.searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'a state',
      iss: server.issuer,
    });
  });
});

describe('asking for more', () => {
  it('shows what is new, and keeps what was allowed', async () => {
    const first = await connect(server, {
      by: alex,
      params: { scope: 'library:read' },
      untick: ['list_loans'],
    });
    const { inspect, offered } = watch();
    const second = await connect(server, { by: alex, client: first.client, inspect });
    expect(offered.filter(({ isNew }) => isNew).map(({ tool }) => tool)).toEqual(
      expect.arrayContaining(['add_book', 'remove_book']),
    );
    expect(offered.find(({ tool }) => tool === 'search_books')).toMatchObject({
      checked: true,
      isNew: false,
    });
    expect(second.tokens.scope).toBe('library:read library:write');
  });

  it('later for another scope alone does not take the first away', async () => {
    const first = await connect(server, { by: alex, params: { scope: 'library:read' } });
    await connect(server, { by: alex, client: first.client, params: { scope: 'library:write' } });
    expect((await introspect(server, first.tokens.access_token)).scope).toBe('library:read');
    expect((await first.refresh(first.tokens.refresh_token)).status).toBe(200);
  });

  it('for a scope that was refused is asked again, not remembered as refused', async () => {
    const first = await connect(server, { by: alex, untick: ['add_book', 'remove_book'] });
    expect(first.tokens.scope).toBe('library:read');
    const { inspect, offered } = watch();
    const second = await connect(server, { by: alex, client: first.client, inspect });
    expect(offered.map(({ tool }) => tool)).toEqual(expect.arrayContaining(['add_book', 'remove_book']));
    expect(second.tokens.scope).toBe('library:read library:write');
  });

  it('makes a new version of the one grant', async () => {
    const first = await connect(server, { by: alex, params: { scope: 'library:read' } });
    const second = await connect(server, { by: alex, client: first.client });
    expect(grantOf(second.tokens.access_token)).toBe(grantOf(first.tokens.access_token));
    expect(claimsOf(second.tokens.access_token)['grant_version']).toBe(2);
  });

  it('for scopes that there are not, drops them and says what was granted', async () => {
    const scope = ' library:read nope openid offline_access other:use';
    const { tokens } = await connect(server, { by: alex, params: { scope } });
    expect(tokens.scope.split(' ')).toContain('library:read');
    expect(tokens.scope).not.toMatch(/nope|other:use/);
  });

  it.each([
    undefined,
    '',
    ' ',
    'nope',
    '*',
    'all',
    'library:*',
    'library',
    'openid email profile',
    'offline_access',
  ])('with scope %j asks for what everyone gets', async (scope) => {
    const { inspect, ticked } = watch();
    const { tokens } = await connect(server, { by: alex, params: { scope }, inspect });
    expect(ticked()).toEqual(['search_books', 'list_loans']);
    expect(tokens.scope).toContain('library:read');
    expect(tokens.scope).not.toContain('library:write');
  });

  it('in a scope without tools is one box', async () => {
    const params = { resource: OTHER_RESOURCE, scope: 'other:use' };
    const { callback } = await authorize(server, { by: alex, params, untick: ['other:use'] });
    expect(callback.searchParams.get('error')).toBe('access_denied');
    expect((await connect(server, { by: alex, params })).tokens.scope).toBe('other:use');
  });
});

describe('a person is asked', () => {
  const asked = async (by: Person, wish: Parameters<typeof authorize>[1]): Promise<boolean> => {
    const { inspect, offered } = watch();
    await authorize(server, { ...wish, by, inspect });
    return offered.length > 0;
  };

  it('every time by a client that registered itself', async () => {
    for (const metadata of [{}, { redirect_uris: [HTTPS] }]) {
      const client = await register(server, metadata);
      const params = { redirect_uri: metadata.redirect_uris?.[0] ?? CALLBACK };
      expect(await asked(alex, { client, params })).toBe(true);
      expect(await asked(alex, { client, params })).toBe(true);
    }
  });

  it('once by a client that the operator declared, and again when it asks for more or says prompt=consent', async () => {
    const by = server.alex();
    const client = { client_id: 'proven' };
    const read = { redirect_uri: HTTPS, scope: 'library:read' };
    const silent = { ...read, prompt: 'none' };
    expect(await asked(by, { client, params: read })).toBe(true);
    expect(await asked(by, { client, params: read })).toBe(false);
    const { code } = await authorize(server, { by, client, params: silent });
    expect(code).not.toBe('');
    expect(await asked(by, { client, params: { ...read, prompt: 'consent' } })).toBe(true);
    expect(await asked(by, { client, params: { ...read, scope: 'library:read library:write' } })).toBe(true);
    // on this computer anybody could be listening
    expect(await asked(by, { client, params: { ...read, redirect_uri: CALLBACK } })).toBe(true);
  });

  it('again after they ended the connection', async () => {
    const by = server.alex();
    const client = { client_id: 'proven' };
    const params = { redirect_uri: HTTPS };
    const { tokens } = await connect(server, { by, client, params });
    expect(await asked(by, { client, params })).toBe(false);
    await durably(server, (work) => server.rooms.grants.end(work, grantOf(tokens.access_token), 'a test'));
    expect(await asked(by, { client, params })).toBe(true);
  });

  it('when somebody else has allowed it', async () => {
    const password = 'another long password';
    await durably(server, (work) => server.rooms.accounts.add(work, { username: 'robin', password }));
    const client = { client_id: 'proven' };
    await connect(server, { by: alex, client, params: { redirect_uri: HTTPS } });
    expect(
      await asked(person({ username: 'robin', password }), { client, params: { redirect_uri: HTTPS } }),
    ).toBe(true);
  });
});

it('a refusal goes back to the client with state and iss, and leaves no grant', async () => {
  const { callback, client } = await authorize(server, { by: alex, deny: true });
  expect(callback.searchParams.get('error')).toBe('access_denied');
  expect(callback.searchParams.get('state')).toBe('a state');
  expect(callback.searchParams.has('code')).toBe(false);
  expect(await server.rooms.grants.live(server.account.id, client.client_id)).toEqual([]);
});

it('the page says all that it is about: who asks, for what, as whom, where it leads, for how long', async () => {
  const pages: string[] = [];
  await authorize(server, {
    by: alex,
    metadata: { client_name: 'Inkwell', client_uri: 'https://inkwell.example/about' },
    inspect: (html, kind) => void (kind === 'consent' && pages.push(html)),
  });
  const page = textOf(pages[0] ?? '');
  for (const said of [
    ...['Inkwell', 'https://inkwell.example/about', 'cannot verify', 'Town Library', RESOURCE],
    ...['an app on this computer', '127.0.0.1:3999', 'Any program on this computer'],
    ...['You are signed in as alex', 'until you end it, at most a year'],
    ...['Search the catalogue', 'See who has borrowed what', 'Add a book', 'Remove a book for good'],
    ...['search_books', 'list_loans', 'add_book', 'remove_book'],
  ]) {
    expect(page).toContain(said);
  }
  // nothing of it loads anything of the app's, or leads there unasked
  expect(pages[0]).not.toMatch(/(?:src|href)="https:\/\/inkwell/);
});

it('the page says where the person will be sent back to, and that a self-registered client is not vouched for', async () => {
  const pages: string[] = [];
  const metadata = { client_name: 'Claude', redirect_uris: ['https://phisher.example/cb'] };
  await authorize(server, {
    by: alex,
    metadata,
    params: { redirect_uri: 'https://phisher.example/cb' },
    inspect: (html, kind) => void (kind === 'consent' && pages.push(html)),
  });
  expect(pages[0]).toContain('phisher.example');
  expect(formsOf(pages[0] ?? '', new URL(server.issuer)).length).toBeGreaterThan(0);
  expect(pages[0]).toMatch(/cannot verify/i);
});
