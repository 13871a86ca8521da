// `npm run demo`: Cardea and a protected MCP server on this computer, and what to paste into an MCP client.
// `--check` lets a scripted person and a real client walk the whole way instead, and ends with 0 or 1.
// `--transcript FILE` writes every HTTP exchange with Cardea there, as JSON lines.

import { parseArgs } from 'node:util';
import { check } from './demo/check.ts';
import { type House, openHouse } from './demo/house.ts';
import { NotSo } from './demo/seen.ts';

const print = (line = ''): void => void process.stdout.write(`${line}\n`);

const welcome = ({ issuer, mcp, person, company }: House): string => `
  Cardea              ${issuer}
  Town Library (MCP)  ${mcp}
  Acme (the company)  ${company.issuer}

  Sign in as          ${person.username}
  with password       ${person.password}
  or with Acme, as    ${company.people.join(' or ')}, without a password
  Your connections    ${issuer}/connections

  Claude Code         claude mcp add --transport http town-library ${mcp}
  mcp.json            ${JSON.stringify({ mcpServers: { 'town-library': { type: 'http', url: mcp } } })}
  any stdio client    npx mcp-remote ${mcp}
`;

const options = () => {
  const { values } = parseArgs({
    options: { check: { type: 'boolean', default: false }, transcript: { type: 'string' } },
  });
  return values;
};

const interrupted = (): Promise<'interrupted'> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'));
  });

const run = async (): Promise<number> => {
  const { check: checking, transcript } = options();
  // Listened for from the start: a signal while the house is being opened must still close it.
  const stopped = interrupted();
  // An empty DATABASE_URL is as good as none.
  const house = await openHouse({
    database: process.env.DATABASE_URL || undefined,
    key: process.env.CARDEA_KEY || undefined,
    transcriptFile: transcript,
  });
  try {
    print(welcome(house));
    if (checking) {
      const outcome = await Promise.race([check(house, print), stopped]);
      if (outcome === 'interrupted') throw new NotSo('interrupted before the end');
      print('\nEverything did what it should.');
      return 0;
    }
    print('  Ctrl-C ends all of it.');
    const outcome = await Promise.race([stopped, house.ended]);
    if (outcome === 'interrupted') return 0;
    throw new NotSo(`Cardea ended by itself with ${outcome}`);
  } finally {
    await house.close();
  }
};

try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(
    error instanceof NotSo ? `✗ ${error.message}\n` : `✗ ${error instanceof Error ? error.stack : error}\n`,
  );
  process.exitCode = 1;
}
