// An upstream that can give no smaller token and tells nobody when it is over: what the person reads before they allow
// it, what the server gets, and how an end over there is noticed. THREATS J06, I30.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { exchange } from '../support/exchange.ts';
import { type Connected, connect } from '../support/flow.ts';
import { type GitHub, github } from '../support/github.ts';
import { later } from '../support/later.ts';
import { textOf } from '../support/person-form.ts';
import { basicConfig, RESOURCE, type Server, startServer } from '../support/server.ts';

const SECRET = 'a-secret-at-github-0001';
const WHOLE = 'everything that you have allowed';

let hub: GitHub;
let server: Server;
let app: Connected;
let consent = '';

beforeAll(async () => {
  hub = await github({ secret: SECRET });
  const uses = [
    { name: 'code', purpose: 'read your repositories', scopes: ['repo'], whole_token: true },
    { name: 'strict', purpose: 'count your stars', scopes: ['repo'] },
    { name: 'weather', purpose: 'look at the sky' },
  ];
  const declared = (name: string) => ({
    ...{ name, kind: 'github', label: `GitHub ${name}`, issuer: hub.origin, client_id: hub.clientId },
    ...{ client_secret: SECRET, sign_in: false, vault: { scopes: ['repo'] } },
  });
  server = await startServer({
    config: {
      upstreams: [
        declared('code'),
        declared('strict'),
        { name: 'weather', kind: 'key', label: 'Weather Desk' },
      ],
      resources: basicConfig.resources.map((resource) => ({
        ...resource,
        ...(resource.uri === RESOURCE && { upstreams: uses }),
      })),
    },
  });
  app = await connect(server, {
    inspect: (html, kind) => {
      if (kind === 'consent') consent = textOf(html);
    },
  });
}, 60_000);
afterAll(async () => {
  await server?.close();
  await hub?.close();
});

const ask = (audience: string) => exchange(server, app.tokens.access_token, { audience });

async function connected(name: string): Promise<void> {
  const back = `${server.issuer}/upstream/${name}/callback`;
  const page = await app.person.visit(String((await ask(name)).body.connect_uri));
  expect(textOf(page.html).includes(WHOLE)).toBe(name === 'code');
  const away = await app.person.press(page, 'go', 'on');
  const done = await app.person.visit(`${back}?${await hub.visit(new URL(String(away)), 'octo')}`);
  expect(done.status).toBe(200);
}

describe('consent', () => {
  it('says where a server gets the whole of it, where it gets a key, and only there', () => {
    expect(
      consent.split('Use your').map((part) => [part.includes(WHOLE), part.includes('your key itself')]),
    ).toEqual([
      [false, false],
      [true, false],
      [false, false],
      [false, true],
    ]);
  });
});

describe('a token that can do more than was asked for', () => {
  it('goes where the operator said so and the person was told, and nowhere else', async () => {
    await connected('code');
    const { status, body } = await ask('code');
    expect([status, body.scope]).toEqual([200, 'read:user user:email repo']);
    await connected('strict');
    const refused = await ask('strict');
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_scope']);
    expect(JSON.stringify(refused.body)).not.toContain('gho_');
  });

  it('was ended over there: the next who asks is told to connect, and the person that it is over', async () => {
    expect((await ask('code')).status).toBe(200);
    hub.end('octo');
    later(61_000);
    const { status, body } = await ask('code');
    expect([status, body.error]).toEqual([400, 'connect_required']);
    const page = textOf((await app.person.visit(`${server.issuer}/connections`)).html);
    expect(page).toContain('This has ended there');
    vi.useRealTimers();
    await connected('code');
    expect((await ask('code')).status).toBe(200);
  });
});
