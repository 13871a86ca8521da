// A backup, put back in the place of the embedded database.

import { parseArgs } from 'node:util';
import { configuration, inRooms, json, positionals, say, UsageProblem, type Verb, when } from './command.ts';

const options = {
  ...json,
  force: { type: 'boolean', default: false },
  'end-after-backup': { type: 'boolean', default: false },
} as const;

export const restore: Verb = {
  usage: 'restore FILE [--force] [--end-after-backup] [--json]',
  about: [
    'Put a backup in the place of the SQLite database. The server must not be running.',
    '--force: although there is a database, which is kept under another name.',
    '--end-after-backup: end every connection in it, so that none lives again which was ended after the backup;',
    'every person connects once more.',
  ].join('\n'),
  async run(args) {
    const { values, positionals: given } = parseArgs({ args, options, allowPositionals: true });
    const [from = ''] = positionals(given, 'FILE');
    const { database } = configuration();
    if (database.kind !== 'sqlite') {
      throw new UsageProblem('DATABASE_URL names a PostgreSQL database; pg_restore is for that');
    }
    const { offline } = await import('../app.ts');
    const end = values['end-after-backup'];
    const done = await offline.restore({
      ...{ from, to: database.file, replace: values.force, end },
      now: Date.now(),
    });
    await inRooms(async ({ keys, audit }, work) => {
      await keys.root(); // a backup without its key is found out now, not when the server is to start
      audit.record(work, { action: 'database.restored', detail: { until: done.until, ended: done.ended } });
    });
    const { until, former, ended } = done;
    say(values.json, { ok: true, file: database.file, ...done }, [
      `The database is restored as it was ${until === null ? 'before anything had happened' : `at ${when(until)}`}.`,
      ...(former ? [`The one that was there is ${former}.`] : []),
      ended
        ? `${ended.grants} connections and ${ended.families} installations are ended; every person connects again.`
        : 'Connections that were ended after that moment live again, and refresh tokens used since then can be used again. If any may have been ended, restore with --end-after-backup.',
      'Accounts and clients stopped, and passwords changed, after that moment are as they were before: look at',
      '`cardea account list` and `cardea client list`.',
    ]);
  },
};
