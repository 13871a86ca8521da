// What people have allowed: looked at, and ended.

import { parseArgs } from 'node:util';
import type { Rooms } from '../app.ts';
import type { Account } from '../domain/accounts.ts';
import { Refusal } from '../errors.ts';
import { type Command, inRooms, json, positionals, say, table, UsageProblem, when } from './command.ts';

const BY = 'ended_by_administrator';
const options = { ...json, account: { type: 'string' } } as const;

async function named({ accounts }: Rooms, username: string): Promise<Account> {
  const folded = username.normalize('NFKC').trim().toLowerCase();
  const found = (await accounts.list()).find((each) => each.username === folded);
  if (!found) {
    throw new Refusal(`There is no account called ${JSON.stringify(username)}.`, {
      reason: 'account_unknown',
      status: 404,
      hint: '`cardea account list` shows them.',
    });
  }
  return found;
}

export const grant: Command = {
  about: 'What people have allowed: list, revoke',
  verbs: {
    list: {
      usage: 'grant list [--account NAME] [--json]',
      about: 'Every connection that stands, newest first.',
      async run(args) {
        const { values } = parseArgs({ args, options });
        const { all, names } = await inRooms(async (rooms) => {
          const only = values.account === undefined ? undefined : await named(rooms, values.account);
          const people = await rooms.accounts.list();
          return {
            all: await rooms.grants.connections(only?.id),
            names: new Map(people.map(({ id, username }) => [id, username])),
          };
        });
        const rows = all.map((each) => [
          each.id,
          names.get(each.accountId) ?? each.accountId,
          JSON.stringify(each.clientName),
          each.resource,
          each.scopes.join(' '),
          when(each.lastUsedAt),
        ]);
        say(
          values.json,
          all.map((each) => ({ ...each, username: names.get(each.accountId) })),
          table(rows),
        );
      },
    },
    revoke: {
      usage: 'grant revoke (ID | --account NAME) [--json]',
      about:
        'End one connection, or all of one person. Tokens already handed out stop within their lifetime.',
      async run(args) {
        const { values, positionals: given } = parseArgs({ args, options, allowPositionals: true });
        const username = values.account;
        if ((username === undefined) === (given.length === 0))
          throw new UsageProblem('give an ID or --account NAME');
        const { count, accessUntil } = await inRooms(async (rooms, work) => {
          if (username !== undefined) return rooms.grants.endAll(work, (await named(rooms, username)).id, BY);
          const [id = ''] = positionals(given, 'ID');
          return { count: 1, ...(await rooms.grants.end(work, id, BY)) };
        });
        const late = accessUntil
          ? [`The last token that was handed out runs out at ${when(accessUntil)}.`]
          : [];
        say(values.json, { ended: count, accessUntil }, [`${count} ended.`, ...late]);
      },
    },
  },
};
