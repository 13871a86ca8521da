// A client that its operator has set bounds to gets nothing beyond them, whoever allows it.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { authorize, authorizeUrl, CALLBACK, get } from '../support/flow.ts';
import { toolsOn } from '../support/person-tools.ts';
import { OTHER_RESOURCE, RESOURCE, type Server, startServer } from '../support/server.ts';

const SECRET = 'a-secret-that-is-long-enough';
let server: Server;
beforeAll(async () => {
  const reads = [{ uri: RESOURCE, scopes: ['library:read'] }];
  server = await startServer({
    config: {
      clients: [
        {
          id: 'writer',
          name: 'Writer',
          redirect_uris: [CALLBACK],
          resources: [{ uri: RESOURCE, scopes: ['library:write'] }],
        },
        { id: 'reader', name: 'Reader', redirect_uris: [CALLBACK], resources: reads },
        {
          id: 'machine',
          name: 'Machine',
          secret: SECRET,
          grant_types: ['client_credentials'],
          resources: reads,
        },
      ],
    },
  });
});
afterAll(() => server.close());

it('a scope beyond the ceiling is neither offered nor granted', async () => {
  const offered: string[] = [];
  const { redeemWith } = await authorize(server, {
    client: { client_id: 'reader' },
    inspect: (html, kind) =>
      void (kind === 'consent' && offered.push(...toolsOn(html).map(({ tool }) => tool))),
  });
  expect(offered).toEqual(['search_books', 'list_loans']);
  const { status, body } = await redeemWith();
  expect([status, body.scope]).toEqual([200, 'library:read']);
});

it.each(['library:write', 'library:write openid', undefined])(
  'a client that asks for %j alone is offered what it may have',
  async (scope) => {
    const { redeemWith } = await authorize(server, { client: { client_id: 'reader' }, params: { scope } });
    const { body } = await redeemWith();
    expect(body.scope.split(' ').filter((each: string) => each !== 'openid')).toEqual(['library:read']);
  },
);

it('a client with a ceiling of what is not usual is offered that', async () => {
  const { redeemWith } = await authorize(server, {
    client: { client_id: 'writer' },
    params: { scope: undefined },
  });
  expect((await redeemWith()).body.scope).toBe('library:write');
});

it('a resource beyond the ceiling is no target', async () => {
  const url = authorizeUrl(server, { client_id: 'reader', resource: OTHER_RESOURCE, scope: 'other:use' });
  const location = (await get(url)).headers.get('location') ?? '';
  expect(new URL(location).searchParams.get('error')).toBe('invalid_target');
});

it('a client without people cannot send anybody to a page', async () => {
  const answer = await get(authorizeUrl(server, { client_id: 'machine' }));
  expect(answer.status).toBe(400);
  expect(answer.headers.get('location')).toBeNull();
});
