// What a person finds on the page of their connections, in words.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { authorize, connect, durably, register } from '../support/flow.ts';
import type { Person } from '../support/person.ts';
import { textOf } from '../support/person-form.ts';
import { type Server, startServer } from '../support/server.ts';

let server: Server;
let alex: Person;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  alex = server.alex();
  await durably(server, (work) => server.rooms.grants.endAll(work, server.account.id, 'a test'));
});

const shown = async (): Promise<string> =>
  textOf((await alex.visit(`${server.issuer}/connections`)).html).replace(/\s+/g, ' ');
const press = async (end: string): Promise<string> =>
  textOf(
    (await alex.send(await alex.visit(`${server.issuer}/connections`), ({ action }) => action.endsWith(end)))
      .html,
  ).replace(/\s+/g, ' ');

it('what was allowed is told tool by tool, and nothing that was left out', async () => {
  await connect(server, {
    by: alex,
    untick: ['list_loans', 'remove_book'],
    metadata: { client_name: 'Inkwell' },
  });
  const page = await shown();
  for (const said of [
    'Inkwell',
    'uses Town Library',
    'It may do 2 things',
    'Search the catalogue',
    'Add a book',
  ]) {
    expect(page).toContain(said);
  }
  expect(page).not.toContain('See who has borrowed what');
  expect(page).not.toContain('Remove a book');
  expect(page).toContain('Cardea cannot verify who made it');
});

it('an app that never came for what it was allowed is on no device; one that came twice is on two at most', async () => {
  const client = await register(server);
  await authorize(server, { by: alex, client });
  expect(await shown()).toContain('Used on no device yet');
  await connect(server, { by: alex, client });
  expect(await shown()).toContain('Used on 1 device');
  await connect(server, { by: alex, client });
  expect(await shown()).toContain('Used on up to 2 devices');
});

describe('after ending', () => {
  it('one, it says which, and until when what was handed out is good', async () => {
    await connect(server, { by: alex, metadata: { client_name: 'Inkwell' } });
    expect(await press('/connections/end')).toMatch(
      /The connection of Inkwell is ended\. What was already handed out stops working at \d\d:\d\d UTC at the latest\./,
    );
    expect(await shown()).not.toContain('is ended'); // told once
  });

  it('all of them, it says so', async () => {
    await connect(server, { by: alex });
    await connect(server, { by: alex });
    const page = await press('/connections/end-all');
    expect(page).toContain('All your connections are ended.');
    expect(page).toContain('No app is connected.');
  });
});
