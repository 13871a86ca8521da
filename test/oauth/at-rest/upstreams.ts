// What comes from elsewhere, with the example company's real provider: a sign-in there, what a person connects, a key
// that they paste, the links by which they do, and what an MCP server is given of it. Part of lives.ts.

import { ACCESS_TOKEN, exchange } from '../../support/exchange.ts';
import { authorizeUrl, connect, pkce, register } from '../../support/flow.ts';
import { type Person, person, type View } from '../../support/person.ts';
import type { Server } from '../../support/server.ts';
import { visit } from '../../support/upstream-company.ts';
import type { World } from './lives.ts';

const isConnect = ({ action }: { action: string }): boolean => action.includes('/connect/');
const back = (server: Server): string => `${server.issuer}/upstream/company/callback`;

/** At the company, as `login`, and back: the page at the end, or where it leads away to. */
async function through(server: Server, by: Person, away: View | string, login: string) {
  if (typeof away !== 'string') throw new Error(`stayed at ${away.url}`);
  return by.open(`${back(server)}?${await visit(new URL(away), back(server), login)}`);
}

async function linkFor(server: Server, subject: string, audience: string): Promise<string> {
  const { status, body } = await exchange(server, subject, { audience });
  if (body.error !== 'connect_required') throw new Error(`${status} ${JSON.stringify(body)}`);
  return body.connect_uri;
}

async function setOut(by: Person, link: string): Promise<string> {
  const left = await by.send(await by.visit(link), isConnect).catch((error: Error) => error.message);
  return String(left).replace(/^left the issuer for /, '');
}

export const upstreams: Record<string, (world: World) => Promise<unknown>> = {
  async 'somebody who signs in at the company'({ server }) {
    const by = person({ username: '', password: '' });
    const { client_id } = await register(server);
    const { challenge } = pkce();
    const view = await by.open(authorizeUrl(server, { client_id, code_challenge: challenge }));
    const page = await through(server, by, await by.press(view, 'upstream', 'company'), 'kim');
    if (typeof page === 'string') throw new Error(`left for ${page}`);
  },

  async 'a trip that nobody comes back from, and one that is cancelled'({ server }) {
    const by = person({ username: '', password: '' });
    const page = await by.visit(`${server.issuer}/sign-in`);
    await by.press(page, 'upstream', 'company');
    await through(server, by, await by.press(page, 'upstream', 'company'), 'cancel');
  },

  async 'what the company gives, delivered and renewed'({ server, alex }) {
    const { tokens } = await connect(server, { by: alex });
    const subject = tokens.access_token;
    const link = await linkFor(server, subject, 'company');
    await through(server, alex, await setOut(alex, link), 'kim');
    for (let turn = 0; turn < 2; turn += 1) {
      const { status, body } = await exchange(server, subject);
      if (status !== 200) throw new Error(JSON.stringify(body)); // each time another: they live for a moment here
    }
    const taken = { subject_token_type: ACCESS_TOKEN, audience: 'door' };
    await exchange(server, subject, taken);
  },

  async 'a key that is pasted, and one that is refused'({ server, alex }) {
    const { tokens } = await connect(server, { by: alex });
    const view = await alex.visit(await linkFor(server, tokens.access_token, 'weather'));
    const again = await alex.send(view, isConnect, { key: 'a key with spaces in it' });
    await alex.send(again, isConnect, { key: 'wx-a-key-of-the-weather-desk-0001' });
    const { status, body } = await exchange(server, tokens.access_token, { audience: 'weather' });
    if (status !== 200) throw new Error(JSON.stringify(body));
  },

  async 'a link that nobody opens'({ server, alex }) {
    const { tokens } = await connect(server, { by: alex, untick: [] });
    await exchange(server, tokens.access_token, { audience: 'company', scope: 'calendar:read' });
    const other = await connect(server, { by: alex, only: ['library:read search_books'] });
    await linkFor(server, other.tokens.access_token, 'company');
  },
};
