// What people have allowed: looked at, and ended.

import { parseArgs } from 'node:util';
import type { Rooms } from '../app.ts';
import { type Command, inRooms, json, positionals, say, sayEach, UsageProblem, when } from './command.ts';

const BY = 'ended_by_administrator';
const options = { ...json, account: { type: 'string' } } as const;

/** Of one person, or everybody's. */
async function connections({ accounts, grants }: Rooms, username: string | undefined) {
  if (username === undefined) return grants.standing();
  const { id, username: name } = await accounts.named(username);
  return (await grants.connections(id)).map((each) => ({ ...each, username: name }));
}

export const grant: Command = {
  about: 'What people have allowed: list, revoke',
  verbs: {
    list: {
      usage: 'grant list [--account NAME] [--json]',
      about: 'Every connection that stands, newest first.',
      async run(args) {
        const { values } = parseArgs({ args, options });
        await inRooms(async (rooms) =>
          sayEach(values.json, await connections(rooms, values.account), (each) => [
            each.id,
            each.username ?? each.accountId,
            JSON.stringify(each.clientName),
            each.resource,
            each.scopes.join(' '),
            when(each.lastUsedAt),
          ]),
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
          if (username !== undefined)
            return rooms.grants.endAll(work, (await rooms.accounts.named(username)).id, BY);
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
