// Who may come in, and what they may be allowed at most: decided by what their upstream says of them, at sign-in, at
// consent, and again whenever something is issued or asked about.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CALLBACK, type Connected, claimsOf, introspect, search } from '../support/flow.ts';
import type { View } from '../support/person.ts';
import { textOf } from '../support/person-form.ts';
import { toolsOn } from '../support/person-tools.ts';
import { OTHER_RESOURCE, OTHER_SERVER, RESOURCE } from '../support/server.ts';
import { type House, upstreamHouse } from '../support/upstream-server.ts';

const view = (at: View | string): View => {
  if (typeof at === 'string') throw new Error(`left for ${at}`);
  return at;
};

/** From now on the upstream says this of whoever signs in. */
function says(
  house: House,
  subject: string,
  claims: Record<string, unknown>,
  name: 'company' | 'other' = 'company',
) {
  const { knobs } = house[name];
  knobs.subject = subject;
  knobs.idToken = (before) => ({ ...before, ...claims });
  knobs.userinfo = (before) => ({ ...before, ...claims });
}

/** Signs in, allows everything that is offered, and redeems the code. */
async function connected(house: House, params: Record<string, string> = {}) {
  const by = house.stranger();
  const { client, verifier, view: first } = await house.ask(by, params);
  const consent = view(await house.through(by, first));
  if (consent.status !== 200) return { by, consent, client };
  const code =
    new URL((await by.press(consent, 'decision', 'allow')) as string).searchParams.get('code') ?? '';
  const { client_id } = client;
  const token = (fields: Record<string, string>) =>
    house.server.post('/token', search({ client_id, ...fields }));
  const { body } = await token({
    ...{ grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: verifier },
  });
  const tokens = body as Connected['tokens'];
  const refresh = () => token({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
  return { by, consent, client, tokens, refresh };
}

describe('who may come in', () => {
  let house: House;
  beforeAll(async () => {
    house = await upstreamHouse({
      company: {
        allow: {
          accounts: ['person-42', 'named@home.example'],
          domains: ['corp.example'],
          groups: ['staff'],
        },
      },
    });
  });
  afterAll(() => house?.close());

  it.each([
    ['of an allowed domain', { email: 'a@corp.example', email_verified: true, groups: [] }, true],
    ['in an allowed group', { email: 'a@home.example', groups: ['staff'] }, true],
    ['named by subject', { sub: 'person-42', email: undefined, groups: [] }, true],
    ['named by a verified address', { email: 'Named@home.example', email_verified: true, groups: [] }, true],
    [
      'named by an address that nobody verified',
      { email: 'named@home.example', email_verified: false, groups: [] },
      false,
    ],
    [
      'called by the subject that is named',
      { preferred_username: 'person-42', email: undefined, groups: [] },
      false,
    ],
    [
      'of a domain that nobody verified',
      { email: 'a@corp.example', email_verified: false, groups: [] },
      false,
    ],
    ['of a subdomain', { email: 'a@x.corp.example', email_verified: true, groups: [] }, false],
    [
      'of a domain that ends the same',
      { email: 'a@evilcorp.example', email_verified: true, groups: [] },
      false,
    ],
    [
      'of a domain with the right one behind it',
      { email: 'a@evil.com?x=corp.example', email_verified: true, groups: [] },
      false,
    ],
    [
      'with the right domain before an @',
      { email: 'a@corp.example@evil.example', email_verified: true, groups: [] },
      false,
    ],
    ['in a group of nearly that name', { email: undefined, groups: ['Staff', 'staff2', 'x/staff'] }, false],
    ['in no group', { email: undefined, groups: [] }, false],
  ])('I17: somebody %s', async (name, claims, comesIn) => {
    const subject = (claims as { sub?: string }).sub ?? `i17 ${name}`;
    says(house, subject, { preferred_username: undefined, ...claims, sub: subject });
    const before = (await Array.fromAsync(house.server.rooms.accounts.list())).length;
    const by = house.stranger();
    const page = view(await house.through(by, await by.visit(`${house.issuer}/sign-in`)));
    expect(page.status).toBe(comesIn ? 200 : 403);
    const after = (await Array.fromAsync(house.server.rooms.accounts.list())).length;
    expect(after - before).toBe(comesIn ? 1 : 0);
    if (comesIn) return;
    expect(textOf(page.html)).toContain(
      'lets in only people of corp.example, members of staff, or people it has',
    );
    const [row] = await house.audit('account.sign_in_refused');
    expect(row).toMatchObject({ reason: 'not_admitted', detail: { upstream: 'company' } });
  });

  it('who was let in and is not any more gets nothing further, whatever was allowed before', async () => {
    says(house, 'leaves', { email: undefined, groups: ['staff'] });
    const { tokens, refresh } = await connected(house);
    expect(tokens?.scope).toBe('library:read library:write');
    says(house, 'leaves', { email: undefined, groups: [] });
    const by = house.stranger();
    const { view: first } = await house.ask(by);
    const refused = view(await house.through(by, first));
    expect(refused.status).toBe(403);
    const again = await refresh?.();
    expect([again?.status, again?.body.error]).toEqual([400, 'invalid_grant']);
    expect(await introspect(house.server, tokens?.access_token ?? '')).toEqual({ active: false });
    // and when they are back, what they had allowed still stands
    says(house, 'leaves', { email: undefined, groups: ['staff'] });
    await house.through(by, await by.visit(`${house.issuer}/sign-in`));
    expect((await refresh?.())?.status).toBe(200);
  });

  it('nobody who is kept out adds that way in to an account', async () => {
    const by = house.server.alex();
    await by.signIn(house.issuer);
    const away = new URL(
      (await by.press(await by.visit(`${house.issuer}/connections`), 'upstream', 'company')) as string,
    );
    says(house, 'kept-out', { email: undefined, groups: [] });
    expect(view(await by.open(house.callback('company', house.company.visit(away)))).status).toBe(403);
  });
});

describe('what they may be allowed', () => {
  let house: House;
  beforeAll(async () => {
    const here = { resource: RESOURCE, upstream: 'company' };
    house = await upstreamHouse({
      config: {
        policy: {
          ceilings: [
            { ...here, groups: ['librarians'] },
            { ...here, groups: ['staff'], tools: ['search_books', 'add_book'] },
            { ...here, groups: ['readers'], scopes: ['library:read'] },
            { resource: OTHER_RESOURCE, upstream: 'company', groups: ['librarians'] },
          ],
        },
      },
    });
  });
  afterAll(() => house?.close());

  const offered = (page: View): string[] => toolsOn(page.html).map(({ tool }) => tool);

  it.each([
    [['librarians'], ['search_books', 'list_loans', 'add_book', 'remove_book']],
    [['staff'], ['search_books', 'add_book']],
    [['readers'], ['search_books', 'list_loans']],
    [
      ['readers', 'staff'],
      ['search_books', 'list_loans', 'add_book'],
    ],
  ])('members of %j are offered %j', async (groups, tools) => {
    says(house, `offered ${groups}`, { groups });
    const { consent, tokens } = await connected(house);
    expect(offered(consent)).toEqual(tools);
    expect(textOf(consent.html).includes('more than your account may allow')).toBe(
      !groups.includes('librarians'),
    );
    const { tools: known } = await introspect(house.server, tokens?.access_token ?? '');
    expect(Object.values(known).flat().toSorted()).toEqual(tools.toSorted());
  });

  it('what a form adds to that is nothing', async () => {
    says(house, 'forger', { groups: ['readers'] });
    const by = house.stranger();
    const { view: first } = await house.ask(by);
    const consent = view(await house.through(by, first));
    const forged = consent.html.replaceAll('library:read list_loans', 'library:write remove_book');
    await by.press({ ...consent, html: forged }, 'decision', 'allow');
    const [row] = await house.audit('grant.allowed');
    expect(row?.detail).toMatchObject({
      scopes: ['library:read'],
      tools: { 'library:read': ['search_books'] },
    });
  });

  it('whom no rule fits is told which there are, and may go back or be somebody else', async () => {
    says(house, 'nobody', { groups: ['visitors'] });
    const { by, consent } = await connected(house);
    expect([consent.status, textOf(consent.html)]).toEqual([
      403,
      expect.stringContaining('depends on whether you are in librarians, staff, or readers'),
    ]);
    expect((await house.audit('grant.denied'))[0]).toMatchObject({
      reason: 'not_permitted',
      resource: RESOURCE,
    });
    const other = view(await by.press(consent, 'decision', 'switch'));
    expect(textOf(other.html)).toContain('Continue with Acme');
    const back = new URL((await by.press(consent, 'decision', 'deny')) as string);
    expect(back.searchParams.get('error')).toBe('access_denied');
  });

  it('a group of the same name at another upstream counts for nothing', async () => {
    says(house, 'self-made', { groups: ['librarians'] }, 'other');
    const by = house.stranger();
    const { view: first } = await house.ask(by);
    expect(view(await house.through(by, first, 'other')).status).toBe(403);
  });

  it('who leaves a group gets less at the next refresh, and nothing when nothing is left', async () => {
    says(house, 'changes', { groups: ['librarians'] });
    const { by, tokens, refresh } = await connected(house);
    expect(tokens?.scope).toBe('library:read library:write');
    const signInAs = async (groups: string[]) => {
      says(house, 'changes', { groups });
      await house.through(by, await by.visit(`${house.issuer}/sign-in?again=1`));
    };
    await signInAs(['staff']);
    const less = await refresh?.();
    expect([less?.status, less?.body.scope]).toEqual([200, 'library:read library:write']);
    expect(claimsOf(less?.body.access_token)['tools']).toEqual({
      'library:read': ['search_books'],
      'library:write': ['add_book'],
    });
    expect((await introspect(house.server, tokens?.access_token ?? '')).tools).toEqual({
      'library:read': ['search_books'],
      'library:write': ['add_book'],
    });
    await signInAs(['readers']);
    expect((await refresh?.())?.body.scope).toBe('library:read');
    expect((await introspect(house.server, tokens?.access_token ?? '')).scope).toBe('library:read');
    await signInAs([]);
    const nothing = await refresh?.();
    expect([nothing?.status, nothing?.body.error]).toEqual([400, 'invalid_grant']);
    // nothing was used up by that
    await signInAs(['librarians']);
    expect((await refresh?.())?.body.scope).toBe('library:read library:write');
  });

  it('an opaque token says less as soon as less is true', async () => {
    says(house, 'opaque', { groups: ['librarians'] });
    const { by, tokens } = await connected(house, { resource: OTHER_RESOURCE, scope: 'other:use' });
    const token = tokens?.access_token ?? '';
    expect(await introspect(house.server, token, OTHER_SERVER)).toMatchObject({ active: true });
    says(house, 'opaque', { groups: [] });
    await house.through(by, await by.visit(`${house.issuer}/sign-in?again=1`));
    expect(await introspect(house.server, token, OTHER_SERVER)).toEqual({ active: false });
  });
});

describe('without local passwords', () => {
  let house: House;
  beforeAll(async () => {
    house = await upstreamHouse({
      config: { policy: { local_passwords: false } },
      other: { sign_in: false },
    });
  });
  afterAll(() => house?.close());

  it('there is a button for each upstream that signs in and nothing to type, and nobody is sent on unasked', async () => {
    const by = house.stranger();
    for (const page of [(await house.ask(by)).view, await by.visit(`${house.issuer}/sign-in`)]) {
      expect(textOf(page.html)).toContain('Continue with Acme');
      expect(page.html).not.toContain('Other Corp');
      expect(page.html).not.toContain('type="password"');
    }
    expect(house.company.asked('/authorize')).toEqual([]);
  });

  it('a right password opens nothing, and an upstream that is not for it neither', async () => {
    const by = house.server.alex();
    const page = await by.visit(`${house.issuer}/sign-in`);
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
    const send = async (fields: Record<string, string>) =>
      fetch(page.url, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: by.cookies.header(page.url) ?? '', origin: house.issuer },
        body: new URLSearchParams({ csrf, ...fields }),
      });
    expect((await send({ username: 'alex', password: house.server.password })).status).toBe(422);
    expect((await send({ upstream: 'other' })).status).toBe(404);
    expect((await send({ upstream: 'nobody' })).status).toBe(404);
  });
});
