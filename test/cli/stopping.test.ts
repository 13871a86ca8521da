// What an administrator can stop from the command line while the server runs, as a client and an MCP server see it.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cardea, startCardea } from '../support/cardea.ts';
import { plainClient } from '../support/client-plain.ts';
import { person } from '../support/person.ts';

// Every command is a process of its own, and the machine that runs this may be busy.
const PATIENCE = 180_000;
const RESOURCE = 'https://notes.example/mcp';
const alex = { username: 'alex', password: 'a long password of alex' };

let cardea: Cardea;
let server: { id: string; secret: string };
beforeAll(async () => {
  cardea = await startCardea({ config: {} });
  await cardea.addAccount(alex.username, alex.password);
  const scope = [
    '--scope',
    'notes=Look at notes',
    '--default',
    'notes',
    '--tool',
    'notes/list=List them:read',
  ];
  const made = await json(
    'resource',
    'add',
    RESOURCE,
    '--name',
    'Notes',
    ...scope,
    '--server-id',
    'notes-server',
  );
  server = made['server'] as typeof server;
}, PATIENCE);
afterAll(() => cardea?.stop());

const run = (...args: string[]) => cardea.cli(args);
async function json(...args: string[]): Promise<Record<string, unknown> & Record<string, unknown>[]> {
  const { stdout, stderr, code } = await run(...args, '--json');
  expect([args[0], code, stderr]).toEqual([args[0], 0, '']);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  return JSON.parse(stdout);
}
/** A command is followed within a second or two. */
const soon = { timeout: 10_000 };
async function connected() {
  const app = await plainClient({ issuer: cardea.issuer, resource: RESOURCE, name: `App ${Math.random()}` });
  const callback = new URL(await person(alex).approve(app.begin('notes')));
  const { status, body } = await app.redeem(callback);
  await app.close();
  expect([status, body.error_description]).toEqual([200, undefined]);
  const { refresh_token = '', access_token = '' } = body;
  return { ...app, access_token, refresh: () => app.refresh(refresh_token) };
}
async function isActive(token: string): Promise<unknown> {
  const credentials = Buffer.from(`${server.id}:${server.secret}`).toString('base64');
  const response = await fetch(`${cardea.issuer}/introspect`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ token }),
  });
  return ((await response.json()) as { active?: boolean }).active;
}

test(
  'one connection, all of one person, a person, an app, a server: each ends what hangs from it, at once',
  async () => {
    const metadata = `${cardea.issuer}/.well-known/oauth-authorization-server`;
    await expect
      .poll(async () => (await fetch(metadata)).json(), soon)
      .toMatchObject({ scopes_supported: ['notes'] });
    const [one, two] = [await connected(), await connected()];
    const listed = await json('grant', 'list', '--account', 'alex');
    expect(listed).toHaveLength(2);
    expect(JSON.stringify(listed)).not.toContain(one.access_token);
    const first = listed.find(({ clientId }) => clientId === one.clientId);
    expect(first).toMatchObject({
      resource: RESOURCE,
      scopes: ['notes'],
      username: 'alex',
      installations: 1,
    });
    expect(await json('grant', 'revoke', String(first?.['id']))).toMatchObject({ ended: 1 });
    expect(await isActive(one.access_token)).toBe(false);
    expect(await isActive(two.access_token)).toBe(true);
    expect((await run('grant', 'revoke', String(first?.['id']))).code).toBe(1);
    expect(await json('grant', 'revoke', '--account', 'alex')).toMatchObject({ ended: 1 });
    expect((await two.refresh()).body.error).toBe('invalid_grant');
    expect(await json('grant', 'list')).toEqual([]);

    const three = await connected();
    expect(await json('account', 'disable', 'alex')).toMatchObject({ disabled: true });
    expect(await isActive(three.access_token)).toBe(false);
    expect((await three.refresh()).body.error).toBe('invalid_grant');
    await json('account', 'enable', 'alex');
    expect(await isActive(three.access_token)).toBe(true);

    expect(await json('client', 'disable', three.clientId)).toMatchObject({ disabled: true });
    await expect.poll(() => isActive(three.access_token), soon).toBe(false);
    expect((await three.refresh()).body.error).toBe('invalid_client');
    await json('client', 'enable', three.clientId);
    await expect.poll(() => isActive(three.access_token), soon).toBe(true);

    expect(await json('resource', 'remove', RESOURCE)).toMatchObject({ uri: RESOURCE });
    expect((await three.refresh()).body.error).toBe('invalid_grant');
    expect(await json('grant', 'list')).toEqual([]);

    const events = (await json('audit', 'list', '--limit', '100')).map(({ action }) => action);
    for (const action of ['grant.ended', 'grant.all_ended', 'resource.removed'])
      expect(events).toContain(action);
  },
  PATIENCE,
);

test(
  'the reference on an error page finds what was refused, and why',
  async () => {
    const app = await plainClient({ issuer: cardea.issuer, resource: RESOURCE });
    const { body } = await app.refresh('never given out');
    await app.close();
    const { trace_id = '' } = body as { trace_id?: string };
    const [event] = await json('audit', 'list', '--trace', trace_id);
    expect(event).toMatchObject({ action: 'token.refused', outcome: 'refused', clientId: app.clientId });
  },
  PATIENCE,
);
