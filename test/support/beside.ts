// A second pair of eyes on a server's database: plain SQL, past every store. Called by tests that look at what is
// really there, or that let time pass for it.

import Sqlite from 'better-sqlite3';
import pg from 'pg';

export type Row = Record<string, unknown>;

export type Beside = {
  dialect: 'sqlite' | 'postgres';
  all(sql: string): Promise<Row[]>;
  /** Every table with every row; blobs are Buffers. */
  dump(): Promise<Record<string, Row[]>>;
  close(): Promise<void>;
};

const MIGRATIONS = /drizzle_migrations/;

/** `url` is `sqlite:FILE` or `postgres://…`. */
export async function beside(url: string): Promise<Beside> {
  const eyes = url.startsWith('sqlite:')
    ? besideSqlite(url.slice('sqlite:'.length))
    : await besidePostgres(url);
  return {
    ...eyes,
    async dump() {
      const found: Record<string, Row[]> = {};
      for (const { name } of await eyes.tables()) {
        if (!MIGRATIONS.test(String(name))) found[String(name)] = await eyes.all(`SELECT * FROM "${name}"`);
      }
      return found;
    },
  };
}

function besideSqlite(file: string) {
  const db = new Sqlite(file);
  db.pragma('busy_timeout = 5000');
  const all = async (sql: string): Promise<Row[]> => {
    const statement = db.prepare(sql);
    if (statement.reader) return statement.all() as Row[];
    statement.run();
    return [];
  };
  return {
    dialect: 'sqlite' as const,
    all,
    tables: () => all("SELECT name FROM sqlite_master WHERE type = 'table'"),
    close: async (): Promise<void> => void db.close(),
  };
}

async function besidePostgres(url: string) {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  // 64-bit times fit a number, and SQLite gives them as numbers
  client.setTypeParser(20 as never, Number as never);
  await client.connect();
  const all = async (sql: string): Promise<Row[]> => (await client.query(sql)).rows as Row[];
  return {
    dialect: 'postgres' as const,
    all,
    tables: () =>
      all("SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'"),
    close: (): Promise<void> => client.end(),
  };
}
