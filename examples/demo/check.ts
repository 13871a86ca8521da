// Lets a real MCP client and a scripted person walk the whole way once, and says what it saw.
// Throws `NotSo` at the first thing that is not as it should be. Called by `npm run demo -- --check`.

import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { type McpClient, mcpClient } from '../../test/support/client-mcp.ts';
import { type Decision, person } from '../../test/support/person.ts';
import { type OfferedTool, toolsOn } from '../../test/support/person-tools.ts';
import { calendar } from './calendar.ts';
import { colleague } from './colleague.ts';
import { discover } from './discovery.ts';
import { ending, introspection } from './ending.ts';
import type { House } from './house.ts';
import { type Seen, seen as speak } from './seen.ts';

const words = (scope: string | undefined): string[] => (scope ?? '').split(' ').filter(Boolean);

const includesAll = (all: string[], some: string[]): boolean => some.every((one) => all.includes(one));

/** A decision that also keeps what the consent page offered. */
const reading = (decision: Decision): { decision: Decision; offered: OfferedTool[] } => {
  const offered: OfferedTool[] = [];
  const inspect: Decision['inspect'] = (html, kind) => {
    if (kind === 'consent') offered.push(...toolsOn(html));
  };
  return { decision: { ...decision, inspect }, offered };
};

const rejection = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

type Walk = { house: House; client: McpClient; seen: Seen };

const connecting = async (walk: Walk, leaveOut: string[]): Promise<void> => {
  const { house, client } = walk;
  const { decision, offered } = reading({ untick: leaveOut });
  await client.connect(decision);
  const id = client.information().client_id;
  walk.seen.that(id, `the client registered itself (RFC 7591) as ${id}`);
  const asked = client.opened()[0]?.searchParams;
  walk.seen.that(
    asked?.get('resource') === house.mcp && asked.get('code_challenge_method') === 'S256',
    'it sent the person to sign in, with PKCE and for this one MCP server (RFC 8707)',
    asked?.toString(),
  );
  const ticked = offered.filter(({ checked }) => checked).map(({ tool }) => tool);
  walk.seen.that(
    includesAll(ticked, leaveOut) && ticked.length > leaveOut.length,
    `${house.person.username} signed in, was shown ${offered.length} tools and unticked ${leaveOut.join(', ')}`,
    offered,
  );
  const tokens = client.tokens();
  walk.seen.that(
    tokens.refresh_token && tokens.token_type.toLowerCase() === 'bearer' && tokens.scope,
    `the code became an access token for ${tokens.expires_in} s and a refresh token, scope ${tokens.scope}`,
    { ...tokens, access_token: '…', refresh_token: tokens.refresh_token && '…' },
  );
};

const calling = async (walk: Walk, leftOut: string[]): Promise<void> => {
  const { client } = walk;
  const tools = await client.tools();
  walk.seen.that(
    tools.includes('search_books') && !leftOut.some((tool) => tools.includes(tool)),
    `the MCP server lists the tools without ${leftOut.join(', ')}`,
    tools,
  );
  const found = await client.call('search_books', { query: 'whale' });
  walk.seen.that(
    !found.isError && JSON.stringify(found.content).includes('Moby'),
    'search_books finds Moby-Dick',
    found,
  );
};

type Wanted = { tool: string; scope: string; args: Record<string, unknown>; asWell?: string[] };

/** Calls what the token does not allow, checks the refusal, asks the person, and calls again. */
const steppingUp = async (walk: Walk, wanted: Wanted): Promise<void> => {
  const { house, client } = walk;
  const before = words(client.tokens().scope);
  const refused = await rejection(client.call(wanted.tool, wanted.args));
  const challenge = client.challenges.at(-1);
  walk.seen.that(
    refused instanceof UnauthorizedError &&
      challenge?.status === 403 &&
      challenge.parameters.error === 'insufficient_scope',
    `calling ${wanted.tool} is refused: 403 insufficient_scope`,
    { refused: String(refused), challenge },
  );
  const needed = words(challenge.parameters.scope);
  walk.seen.that(
    includesAll(needed, [...before, wanted.scope]) &&
      challenge.parameters.resource_metadata?.startsWith(`${new URL(house.mcp).origin}/`),
    `the refusal names what would do, the old and the new together: ${needed.join(' ')}`,
    challenge.parameters,
  );

  const { decision, offered } = reading({ tick: [wanted.tool, ...(wanted.asWell ?? [])] });
  await client.stepUp(decision);
  const shown = offered.find(({ tool }) => tool === wanted.tool);
  const fresh = offered.filter(({ isNew }) => isNew).map(({ tool }) => tool);
  // A tool never asked for before is marked; one that the person left out is shown as it was left.
  walk.seen.that(
    shown && (shown.isNew || !shown.checked),
    shown?.isNew
      ? `consent asks again and marks as new: ${fresh.join(', ')}`
      : `consent asks again, ${wanted.tool} still unticked as it was left; ${house.person.username} ticks it`,
    offered,
  );
  const done = await client.call(wanted.tool, wanted.args);
  walk.seen.that(!done.isError, `now ${wanted.tool} works, with scope ${client.tokens().scope}`, done);
};

const refreshing = async (walk: Walk): Promise<void> => {
  const { client } = walk;
  const before = client.tokens();
  const asked = client.opened().length;
  client.spoilAccessToken();
  await client.tools();
  const after = client.tokens();
  walk.seen.that(
    after.access_token !== before.access_token && after.refresh_token !== before.refresh_token,
    'an access token that is no longer taken is refreshed, and the refresh token rotates',
  );
  walk.seen.that(client.opened().length === asked, 'without asking the person again');
};

const refusedLive = async (walk: Walk): Promise<void> => {
  const { client } = walk;
  const before = client.challenges.length;
  const refused = await rejection(client.call('remove_book', { id: 'moby-dick' }));
  const challenge = client.challenges[before];
  walk.seen.that(
    refused instanceof UnauthorizedError && challenge?.status === 401,
    'the MCP server, which asks before it removes anything, answers 401 to it',
    { refused: String(refused), challenge },
  );
};

/** Resolves when every step did what it should; `print` is given a line for each. */
export const check = async (house: House, print: (line: string) => void): Promise<void> => {
  const seen: Seen = speak(print);
  const browser = person({ ...house.person, fetch: house.record.fetchAs('browser') });
  const { mcp: url, issuer } = house;
  const client = mcpClient({ url, issuer, person: browser, fetch: house.record.fetchAs('client') });
  const walk: Walk = { house, client, seen };
  try {
    const { endpoints, initialScopes } = await discover(house, seen);
    const curating = initialScopes.includes('library:curate') ? ['add_book', 'remove_book'] : [];
    const leaveOut = ['list_loans', ...curating];
    await connecting(walk, leaveOut);
    await calling(walk, leaveOut);
    await steppingUp(walk, { tool: 'list_loans', scope: 'library:read', args: {} });
    const book = { title: 'The Time Machine', author: 'H. G. Wells', year: 1895 };
    await steppingUp(walk, {
      tool: 'add_book',
      scope: 'library:curate',
      args: book,
      asWell: ['remove_book'],
    });
    await refreshing(walk);
    await calendar(
      house,
      { client, browser, name: house.person.username, login: 'kim', entry: 'atlas' },
      seen,
    );
    await introspection(house, endpoints, client, seen);
    await ending(house, endpoints, client, seen);
    await refusedLive(walk);
    await colleague(house, seen);
  } finally {
    await client.close();
  }
};
