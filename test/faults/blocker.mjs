// Another program that writes to the same SQLite file, and takes its time: it holds the lock until its input ends.

import Sqlite from 'better-sqlite3';

const db = new Sqlite(process.argv[2]);
db.exec('BEGIN IMMEDIATE');
process.stdout.write('locked\n');
process.stdin.on('end', () => db.exec('ROLLBACK')).resume();
