// People who sign in here with a local password.

import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import type { Account } from '../domain/accounts.ts';
import {
  type Command,
  inRooms,
  json,
  listing,
  onOne,
  positionals,
  say,
  UsageProblem,
  type Verb,
} from './command.ts';

const password = {
  'password-file': { type: 'string' },
  'password-stdin': { type: 'boolean', default: false },
} as const;

// Never an argument: every user of the machine can read those.
async function readPassword(given: {
  'password-file'?: string | undefined;
  'password-stdin': boolean;
}): Promise<string> {
  const file = given['password-file'];
  if ((file === undefined) !== given['password-stdin']) {
    throw new UsageProblem('give the password with either --password-file FILE or --password-stdin');
  }
  const held = file === undefined ? await text(process.stdin) : readFileSync(file, 'utf8');
  return held.replace(/\r?\n$/, '');
}

const state = ({ administrator, disabled }: Account): string =>
  [administrator && 'administrator', disabled && 'disabled'].filter(Boolean).join(', ');

const able = (word: 'disable' | 'enable', about: string): Verb =>
  onOne('NAME', {
    usage: `account ${word} NAME [--json]`,
    about,
    async run(name, asJson) {
      const done = await inRooms(({ accounts }, work) =>
        accounts.setDisabled(work, name, word === 'disable'),
      );
      say(asJson, done, [`${done.username} is ${word}d.`]);
    },
  });

export const account: Command = {
  about: 'People who sign in with a password: add, list, disable, enable, password',
  verbs: {
    add: {
      usage: 'account add NAME (--password-file FILE | --password-stdin) [--administrator] [--json]',
      about: 'Add somebody. A line end after the password does not belong to it.',
      async run(args) {
        const options = { ...json, ...password, administrator: { type: 'boolean', default: false } } as const;
        const { values, positionals: given } = parseArgs({ args, options, allowPositionals: true });
        const [username = ''] = positionals(given, 'NAME');
        const secret = await readPassword(values);
        const { administrator } = values;
        const made = await inRooms(({ accounts }, work) =>
          accounts.add(work, { username, password: secret, administrator }),
        );
        say(values.json, made, [
          `${made.username} can sign in${administrator ? ', and is an administrator' : ''}.`,
        ]);
      },
    },
    list: listing({
      usage: 'account list [--json]',
      about: 'Everybody who has an account.',
      all: ({ accounts }) => accounts.list(),
      row: (each) => [each.username, each.id, state(each)],
    }),
    disable: able('disable', 'Stop somebody from signing in, and every token of theirs from being renewed.'),
    enable: able('enable', 'Take that back; their connections work again.'),
    password: {
      usage: 'account password NAME (--password-file FILE | --password-stdin) [--json]',
      about: 'Give somebody a new password.',
      async run(args) {
        const options = { ...json, ...password } as const;
        const { values, positionals: given } = parseArgs({ args, options, allowPositionals: true });
        const [username = ''] = positionals(given, 'NAME');
        const secret = await readPassword(values);
        const done = await inRooms(({ accounts }, work) => accounts.setPassword(work, username, secret));
        say(values.json, done, [`${done.username} has a new password.`]);
      },
    },
  },
};
