// A copy of the embedded database, made while the server runs.

import { parseArgs } from 'node:util';
import { inRooms, json, positionals, say, type Verb } from './command.ts';

export const backup: Verb = {
  usage: 'backup FILE [--json]',
  about: [
    'Copy the SQLite database to FILE, as it is at one moment, while the server runs.',
    'What is secret in it is sealed: keep the key apart from it, and keep both.',
  ].join('\n'),
  async run(args) {
    const { values, positionals: given } = parseArgs({ args, options: json, allowPositionals: true });
    const [file = ''] = positionals(given, 'FILE');
    await inRooms(({ storage }) => storage.backup(file));
    say(values.json, { ok: true, file }, [
      `The database is copied to ${file}. Without its key it is of no use.`,
    ]);
  },
};
