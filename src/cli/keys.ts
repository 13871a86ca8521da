// What tokens are signed with, and what the database is sealed with. Private halves never leave the database.

import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Rotated } from '../domain/keys.ts';
import { type Command, inRooms, json, listing, say, when } from './command.ts';

// Every process of the server reads the keys at least once a second.
const UNTIL_PUBLISHED = 3_000;

const words: Record<Rotated['step'], (done: Rotated) => string> = {
  published: () => 'a next key is published; rotate again in five minutes, when everybody has seen it.',
  moved: () =>
    'the next key signs now; the former one is retired, and published until its last token is over.',
  waiting: ({ at = 0 }) => `the next key may sign from ${when(at)}, when everybody has seen it.`,
  overtaken: () => 'another process was first; `cardea keys list` shows what came of it.',
};

export const keys: Command = {
  about: 'What tokens are signed with: rotate, rewrap, list',
  verbs: {
    rotate: {
      usage: 'keys rotate [--now] [--json]',
      about: [
        'One step ahead of the schedule: publish a next key, or let it sign if it has been published for five minutes.',
        '--now does both at once, and resource servers that do not look for a key they do not know refuse its tokens',
        'for some minutes.',
      ].join('\n'),
      async run(args) {
        const { values } = parseArgs({
          args,
          options: { ...json, now: { type: 'boolean', default: false } },
        });
        const done = await inRooms(async ({ keys }) => {
          await keys.root(); // refuses a wrong CARDEA_KEY before anything is sealed with it
          if (!values.now) return keys.rotate('asked');
          const steps = await keys.rotate('now');
          if (steps.every(({ step }) => step === 'moved')) return steps;
          await pause(UNTIL_PUBLISHED);
          const fresh = new Set(
            steps.filter(({ step }) => step !== 'moved').map(({ algorithm }) => algorithm),
          );
          const more = await keys.rotate('now', fresh);
          return [...steps.filter(({ algorithm }) => !fresh.has(algorithm)), ...more];
        });
        const lines = done.map((each) => `${each.algorithm}: ${words[each.step](each)}`);
        say(
          values.json,
          done,
          lines.length > 0 ? lines : ['There is no key yet; `cardea serve` makes the first.'],
        );
      },
    },
    rewrap: {
      usage: 'keys rewrap [--json]',
      about: [
        'Seal with CARDEA_KEY what was sealed with a key of CARDEA_KEY_PREVIOUS, beside a server that runs.',
        'When it is done, no value needs the keys of before. Stopped half way, it goes on where it was.',
      ].join('\n'),
      async run(args) {
        const { values } = parseArgs({ args, options: json });
        const counts = await inRooms(({ keys }) => keys.rewrap());
        const { rewrapped, already, changedMeanwhile } = counts;
        say(values.json, counts, [
          `${rewrapped} values are sealed with the current key now, ${already} were before.`,
          ...(changedMeanwhile > 0 ? [`${changedMeanwhile} changed meanwhile; run this again.`] : []),
        ]);
      },
    },
    list: listing({
      usage: 'keys list [--json]',
      about: 'Every key that is published.',
      async all({ keys }) {
        await keys.root();
        const published = await keys.list();
        return published.map(({ kid, algorithm, state, changedAt }) => ({
          kid,
          algorithm,
          state,
          changedAt,
        }));
      },
      row: ({ kid, algorithm, state, changedAt }) => [kid, algorithm, state, `since ${when(changedAt)}`],
    }),
  },
};
