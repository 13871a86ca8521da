// From the embedded database to PostgreSQL.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { configuration, json, required, say, table, UsageProblem, type Verb } from './command.ts';

const options = { ...json, to: { type: 'string' }, 'to-file': { type: 'string' } } as const;

export const move: Verb = {
  usage: 'move --to postgres://… | --to-file FILE [--json]',
  about: [
    'Copy the SQLite database into an empty PostgreSQL database, row by row, and compare every row. The server must',
    'not be running. All is copied or nothing; the SQLite file stays as it is.',
    '--to-file: the address from a file, so that its password is not on the command line.',
  ].join('\n'),
  async run(args) {
    const { values } = parseArgs({ args, options });
    const file = values['to-file'];
    const url = required(file === undefined ? values.to : readFileSync(file, 'utf8').trim(), '--to');
    if (!/^postgres(ql)?:\/\//.test(url)) throw new UsageProblem('--to is a postgres:// address');
    const { database } = configuration();
    if (database.kind !== 'sqlite')
      throw new UsageProblem('DATABASE_URL names a PostgreSQL database already');
    const { offline } = await import('../app.ts');
    const moved = await offline.move({ file: database.file, url });
    const rows = moved.map((each) => [each.table, String(each.rows), each.digest.slice(0, 16)]);
    say(values.json, moved, [
      ...table([['table', 'rows', 'SHA-256'], ...rows]),
      'Every row is in PostgreSQL as it was in SQLite. Set DATABASE_URL to that address, and keep the key: CARDEA_KEY,',
      'or cardea.key in the data directory, which every process needs.',
    ]);
  },
};
