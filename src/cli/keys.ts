// What tokens are signed with. The private halves never leave the database.

import { parseArgs } from 'node:util';
import { type Command, inRooms, json, say, table, when } from './command.ts';

export const keys: Command = {
  about: 'What tokens are signed with: rotate, list',
  verbs: {
    rotate: {
      usage: 'keys rotate [--json]',
      about: [
        'Make a next key, which is published; where there was one, it becomes the current one.',
        'Run it twice, some minutes apart, to be rid of a key: resource servers have to hear of the new one first.',
      ].join('\n'),
      async run(args) {
        const { values } = parseArgs({ args, options: json });
        const done = await inRooms(async ({ keys, work: begin }, work) => {
          await keys.root(begin()); // refuses a wrong CARDEA_KEY before anything is sealed with it
          return keys.rotate(work);
        });
        const lines = done.map(({ algorithm, moved }) =>
          moved
            ? `${algorithm}: the next key is current, the former one retired, and a new next one is published.`
            : `${algorithm}: a next key is published; rotate again when everybody has seen it.`,
        );
        say(
          values.json,
          done,
          lines.length > 0 ? lines : ['There is no key yet; `cardea serve` makes the first.'],
        );
      },
    },
    list: {
      usage: 'keys list [--json]',
      about: 'Every key that is published.',
      async run(args) {
        const { values } = parseArgs({ args, options: json });
        const all = await inRooms(async ({ keys, work: begin }) => {
          await keys.root(begin());
          return (await keys.list()).map(({ kid, algorithm, state, changedAt }) => ({
            kid,
            algorithm,
            state,
            changedAt,
          }));
        });
        const rows = all.map(({ kid, algorithm, state, changedAt }) => [
          kid,
          algorithm,
          state,
          `since ${when(changedAt)}`,
        ]);
        say(values.json, all, table(rows));
      },
    },
  },
};
