// A copy of the embedded database, made while the server runs.

import { inRooms, onOne, say } from './command.ts';

export const backup = onOne('FILE', {
  usage: 'backup FILE [--json]',
  about: [
    'Copy the SQLite database to FILE, as it is at one moment, while the server runs.',
    'What is secret in it is sealed: keep the key apart from it, and keep both.',
  ].join('\n'),
  async run(file, asJson) {
    await inRooms(({ storage }) => storage.backup(file));
    say(asJson, { ok: true, file }, [`The database is copied to ${file}. Without its key it is of no use.`]);
  },
});
