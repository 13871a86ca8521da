// The operator changes what a server has, after people have decided. What was allowed never comes to mean more, what is
// gone is gone, and what is new is asked about. THREATS G11, G13.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ResourceDeclaration, ScopeDeclaration } from '../../src/config.ts';
import { authorize, claimsOf, connect, durably, introspect, type Wish } from '../support/flow.ts';
import { toolsOn } from '../support/person-tools.ts';
import { RESOURCE, type Server, startServer } from '../support/server.ts';

const HTTPS = 'https://proven.example/cb';
const client = { client_id: 'proven' };

let server: Server;
beforeAll(async () => {
  const clients = [{ id: 'proven', name: 'Proven', redirect_uris: [HTTPS] }];
  server = await startServer({ config: { clients } });
});
afterAll(() => server.close());

/** The registry says this from now on, as after a restart with another configuration. */
async function declare(resources: readonly ResourceDeclaration[]): Promise<void> {
  await durably(server, (work) => server.rooms.resources.declare(work, resources));
  await server.rooms.resources.refresh();
}
const original = (): readonly ResourceDeclaration[] => server.rooms.config.resources;
const library = (): ResourceDeclaration =>
  original().find(({ uri }) => uri === RESOURCE) as ResourceDeclaration;
const others = (): ResourceDeclaration[] => original().filter(({ uri }) => uri !== RESOURCE);
const withScopes = (change: (read: ScopeDeclaration, write: ScopeDeclaration) => ScopeDeclaration[]) => {
  const { scopes, ...rest } = library();
  const [read, write] = scopes as [ScopeDeclaration, ScopeDeclaration];
  return declare([{ ...rest, scopes: change(read, write) }, ...others()]);
};

const scope = 'library:read library:write';
const allow = (wish: Wish = {}) =>
  connect(server, { client, ...wish, params: { redirect_uri: HTTPS, scope, ...wish.params } });

beforeEach(async () => {
  await durably(server, (work) => server.rooms.grants.endAll(work, server.account.id, 'a test'));
  await declare(original());
});

/** What a connection that stood before is worth now. */
async function worth({ refresh, tokens }: Awaited<ReturnType<typeof allow>>) {
  const { status, body } = await refresh(tokens.refresh_token);
  const seen = await introspect(server, tokens.access_token);
  const claims = status === 200 ? claimsOf(body.access_token) : {};
  return { scope: body.scope, error: body.error, tools: claims['tools'], seen };
}
/** What the client gets without a page, and what the page offers with one. */
async function askAgain(by: Awaited<ReturnType<typeof allow>>['person']) {
  const params = { redirect_uri: HTTPS, scope };
  const silent = await authorize(server, { by, client, params: { ...params, prompt: 'none' } });
  const offered: ReturnType<typeof toolsOn> = [];
  const inspect = (html: string, kind: string) => void (kind === 'consent' && offered.push(...toolsOn(html)));
  await authorize(server, { by, client, params, inspect });
  return { silent: silent.callback.searchParams.get('error'), offered };
}

it('as long as nothing changes, nobody is asked', async () => {
  const { person } = await allow();
  expect(await askAgain(person)).toEqual({ silent: null, offered: [] });
});

describe('a tool', () => {
  it('that is new in an allowed scope is not allowed by that, and is asked about', async () => {
    const before = await allow();
    const exportAll = { name: 'export_all', description: 'Export everything', effect: 'read' } as const;
    await withScopes((read, write) => [{ ...read, tools: [...read.tools, exportAll] }, write]);
    const { scope: now, tools, seen } = await worth(before);
    expect(now).toBe(scope);
    expect(tools).toEqual({ 'library:read': ['search_books', 'list_loans'] });
    expect(seen.tools['library:read']).toEqual(['search_books', 'list_loans']);
    const { silent, offered } = await askAgain(before.person);
    expect(silent).toBe('consent_required');
    expect(offered.filter(({ checked }) => !checked).map(({ tool }) => tool)).toEqual(['export_all']);
  });

  it('that moves from a scope that was not allowed into one that was stays closed', async () => {
    const before = await allow({ params: { scope: 'library:read' } });
    await withScopes((read, write) => [
      { ...read, tools: [...read.tools, ...write.tools.filter(({ name }) => name === 'add_book')] },
      { ...write, tools: write.tools.filter(({ name }) => name !== 'add_book') },
    ]);
    const { tools, seen } = await worth(before);
    expect(tools).toEqual({ 'library:read': ['search_books', 'list_loans'] });
    expect(seen.tools).toEqual({ 'library:read': ['search_books', 'list_loans'] });
  });

  it('that is gone is not told of any more', async () => {
    const before = await allow();
    await withScopes((read, write) => [{ ...read, tools: read.tools.slice(0, 1) }, write]);
    const { tools, seen } = await worth(before);
    expect(tools).toBeUndefined();
    expect(seen.tools['library:read']).toEqual(['search_books']);
  });
});

describe('a scope', () => {
  it('that is renamed is another: the old name is dropped, and the new one asked about', async () => {
    const before = await allow();
    await withScopes((read, write) => [{ ...read, name: 'library:look' }, write]);
    const { scope: now, seen } = await worth(before);
    expect(now).toBe('library:write');
    expect(seen.scope).toBe('library:write');
  });

  it('that was all there was ends with it', async () => {
    const before = await allow({ params: { scope: 'library:read' } });
    await withScopes((_read, write) => [write]);
    const { error, seen } = await worth(before);
    expect(error).toBe('invalid_grant');
    expect(seen).toEqual({ active: false });
  });

  it('into which another is merged allows what it allowed', async () => {
    const before = await allow({ params: { scope: 'library:read' } });
    await withScopes((read, write) => [{ ...read, tools: [...read.tools, ...write.tools] }]);
    expect((await worth(before)).tools).toEqual({ 'library:read': ['search_books', 'list_loans'] });
  });

  it('whose tools are not listed any more still allows those alone that were, until somebody is asked', async () => {
    const before = await allow({ untick: ['list_loans'] });
    await withScopes((read, write) => [{ ...read, tools: [] }, write]);
    const { tools, seen } = await worth(before);
    expect(tools).toEqual({ 'library:read': ['search_books'] });
    expect(seen.tools['library:read']).toEqual(['search_books']);
    const { silent, offered } = await askAgain(before.person);
    expect(silent).toBe('consent_required');
    expect(offered.find(({ tool }) => tool === 'library:read')).toMatchObject({ isNew: true });
    expect((await worth({ ...before, ...(await allow({ by: before.person })) })).tools).toBeUndefined();
  });

  it('that gets its first tools opens none of them', async () => {
    await withScopes((read, write) => [read, { ...write, tools: [] }]);
    const before = await allow();
    await withScopes((read, write) => [read, write]);
    const { tools, seen } = await worth(before);
    expect(tools).toEqual({ 'library:write': [] });
    expect(seen.tools['library:write']).toEqual([]);
    expect((await askAgain(before.person)).silent).toBe('consent_required');
  });
});

describe('a server', () => {
  const add = (declaration: ResourceDeclaration) =>
    durably(server, (work) => server.rooms.resources.add(work, declaration));
  const remove = () => durably(server, (work) => server.rooms.resources.remove(work, RESOURCE));
  const refreshed = () => server.rooms.resources.refresh();

  it('that is removed and added again, by whomever, has nothing of what was allowed before', async () => {
    await declare(others());
    await add(library());
    await refreshed();
    const before = await allow();
    await remove();
    await refreshed();
    const meanwhile = await worth(before);
    // neither is the server one that may ask
    expect([meanwhile.error, meanwhile.seen.error]).toEqual(['invalid_grant', 'invalid_client']);
    await add(library());
    await refreshed();
    const { error, seen } = await worth(before);
    expect([error, seen]).toEqual(['invalid_grant', { active: false }]);
    const { silent, offered } = await askAgain(before.person);
    expect(silent).toBe('consent_required');
    expect(offered.every(({ isNew }) => !isNew)).toBe(true); // nobody is reminded of what another server was allowed
    await remove();
  });

  it('whose address left the configuration and was then added by hand has nothing of it either', async () => {
    const before = await allow();
    await declare(others());
    await add(library());
    await refreshed();
    const { error, seen } = await worth(before);
    expect([error, seen]).toEqual(['invalid_grant', { active: false }]);
    await remove();
  });

  it('that is missing from the configuration gets nothing, and goes on when it is back: a slip ends no connection', async () => {
    const before = await allow();
    await declare(others());
    const { error, seen } = await worth(before);
    expect([error, seen.error]).toEqual(['invalid_target', 'invalid_client']);
    await declare(original());
    expect((await worth(before)).scope).toBe(scope);
  });
});
