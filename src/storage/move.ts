// From SQLite to PostgreSQL: every row of every table in one transaction, read back and compared before it is kept.

import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import Sqlite from 'better-sqlite3';
import type { Column, Table } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { Refusal } from '../errors.ts';
import { notInUse } from './backup.ts';
import { postgresColumns, sqliteColumns } from './columns.ts';
import { getTableColumns, getTableConfig } from './drizzle.ts';
import { onPostgres } from './drizzle-postgres.ts';
import { unavailable } from './faults.ts';
import { openPostgres } from './postgres.ts';
import { tables } from './schema.ts';
import { openSqlite } from './sqlite.ts';

const BATCH = 500;

type Row = Record<string, unknown>;
export type MovedTable = { table: string; rows: number; digest: string };

/** A driver's row as the stores see it: the same values whichever database it came from. */
function reader(table: Table): (row: Row) => Row {
  const columns = Object.entries<Column>(getTableColumns(table));
  const value = (column: Column, raw: unknown) => (raw === null ? null : column.mapFromDriverValue(raw));
  return (row) => Object.fromEntries(columns.map(([key, column]) => [key, value(column, row[column.name])]));
}

function primaryKey(table: PgTable): string[] {
  const { columns, primaryKeys } = getTableConfig(table);
  const composed = primaryKeys[0]?.columns ?? columns.filter((column) => column.primary);
  return composed.map((column) => column.name);
}

/** The rows of a table in the order of their keys, byte by byte, as SQLite orders text. */
async function* rowsInPostgres(client: pg.Client, name: string, key: readonly string[]): AsyncGenerator<Row> {
  const order = key.map((column) => `"${column}" COLLATE "C"`).join(', ');
  await client.query(`DECLARE moved NO SCROLL CURSOR FOR SELECT * FROM "${name}" ORDER BY ${order}`);
  for (;;) {
    const { rows } = await client.query(`FETCH ${BATCH} FROM moved`);
    if (rows.length === 0) break;
    yield* rows;
  }
  await client.query('CLOSE moved');
}

const differs = (table: string): Refusal =>
  new Refusal(`A row of ${table} is not the same after it was copied.`, {
    reason: 'move_differs',
    status: 500,
  });

// drizzle's own error repeats every value of the batch; only what PostgreSQL says of it is told.
const notTaken = (table: string, cause: unknown): unknown => {
  const fault = unavailable(cause);
  if (fault instanceof Refusal) return fault;
  const said = (cause as Error | undefined)?.message ?? 'for no reason that it told';
  return new Refusal(`PostgreSQL does not take a row of ${table}: ${said}.`, {
    reason: 'move_refused',
    cause,
  });
};

async function moveTable(
  from: Sqlite.Database,
  client: pg.Client,
  source: PgTable,
  target: PgTable,
): Promise<MovedTable> {
  const { name } = getTableConfig(target);
  const key = primaryKey(target);
  const select = from.prepare(
    `SELECT * FROM "${name}" ORDER BY ${key.map((each) => `"${each}"`).join(', ')}`,
  );
  const [here, there] = [reader(source), reader(target)];
  const db = onPostgres.drizzle(client);

  let batch: Row[] = [];
  const send = async (): Promise<void> => {
    if (batch.length > 0)
      await db
        .insert(target)
        .values(batch as never)
        .catch((error: Error) => {
          throw notTaken(name, error.cause);
        });
    batch = [];
  };
  for (const row of select.iterate()) {
    batch.push(here(row as Row));
    if (batch.length === BATCH) await send();
  }
  await send();

  const written = rowsInPostgres(client, name, key);
  const digest = createHash('sha256');
  let rows = 0;
  for (const row of select.iterate()) {
    const [mine, next] = [here(row as Row), await written.next()];
    if (next.done || !isDeepStrictEqual(mine, there(next.value))) throw differs(name);
    digest.update(JSON.stringify(mine)).update('\n');
    rows += 1;
  }
  if (!(await written.next()).done) throw differs(name);
  return { table: name, rows, digest: digest.digest('hex') };
}

async function mustBeEmpty(client: pg.Client, names: readonly string[]): Promise<void> {
  await client.query(`LOCK TABLE ${names.map((name) => `"${name}"`).join(', ')} IN EXCLUSIVE MODE NOWAIT`);
  for (const name of names) {
    const { rows } = await client.query(`SELECT 1 FROM "${name}" LIMIT 1`);
    if (rows.length === 0) continue;
    throw new Refusal(`The PostgreSQL database is not empty: there are rows in ${name}.`, {
      reason: 'target_not_empty',
      hint: 'Move into a new database, which no server has used yet.',
    });
  }
}

/**
 * Copies the SQLite database `file` into the empty PostgreSQL database at `url`. Nobody may have the file open, and it
 * is left as it is. Throws, with nothing written to PostgreSQL but the tables themselves, when anything goes wrong.
 */
export async function move({ file, url }: { file: string; url: string }): Promise<MovedTable[]> {
  notInUse(file);
  for (const database of [openSqlite(file), openPostgres(url, () => {})]) {
    try {
      await database.migrate();
    } catch (error) {
      throw unavailable(error);
    } finally {
      await database.close();
    }
  }
  const [sources, targets] = [tables(sqliteColumns), tables(postgresColumns)];
  const names = Object.keys(targets) as (keyof typeof targets)[];
  const from = new Sqlite(file, { fileMustExist: true });
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    from.exec('BEGIN IMMEDIATE'); // a server that is started now cannot write what would be left behind
    await client.connect();
    await client.query('BEGIN');
    await mustBeEmpty(
      client,
      names.map((name) => getTableConfig(targets[name]).name),
    );
    const moved: MovedTable[] = [];
    for (const name of names) moved.push(await moveTable(from, client, sources[name], targets[name]));
    await client.query('COMMIT');
    return moved;
  } finally {
    await client.end().catch(() => {}); // which rolls back whatever was not committed
    from.close();
  }
}
