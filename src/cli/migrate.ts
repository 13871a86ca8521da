// The database, brought to this version's schema; `serve` does the same when it starts.

import { parseArgs } from 'node:util';
import { inRooms, json, say, type Verb } from './command.ts';

export const migrate: Verb = {
  usage: 'migrate [--json]',
  about: 'Bring the database to the schema of this version. Every other command does so as well.',
  async run(args) {
    const { values } = parseArgs({ args, options: json });
    const database = await inRooms(async ({ storage }) => storage.dialect);
    say(values.json, { ok: true, database }, [`The ${database} database is up to date.`]);
  },
};
