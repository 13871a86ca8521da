// What a command is, and the three things all of them do: read the configuration, open the rooms, say what came of it.

import { parseArgs } from 'node:util';
import type { Rooms } from '../app.ts';
import { type Config, readConfig } from '../config.ts';
import { createLog } from '../log.ts';

export type Verb = {
  /** What follows `cardea` on the line: `account add NAME [--administrator]`. */
  usage: string;
  about: string;
  run: (args: string[]) => Promise<void>;
};

/** A word, and what it does; or what each of the words after it does. */
export type Command = Verb | { about: string; verbs: Record<string, Verb> };

/** Thrown where the line was not understood: exit code 2, with the usage. */
export class UsageProblem extends Error {
  override name = 'UsageProblem';
}

/** The one value of a required argument. */
export function required(value: string | undefined, name: string): string {
  if (value === undefined || value === '') throw new UsageProblem(`${name} is missing`);
  return value;
}

/** Exactly these positional arguments, by name. */
export function positionals(given: readonly string[], ...names: string[]): string[] {
  if (given.length > names.length) throw new UsageProblem(`${given[names.length]} is one word too many`);
  return names.map((name, index) => required(given[index], name));
}

export const json = { json: { type: 'boolean', default: false } } as const;

/** One line of JSON where that was asked for, else the lines for a person. */
export function say(asJson: boolean, value: unknown, lines: readonly string[]): void {
  process.stdout.write(asJson ? `${JSON.stringify(value)}\n` : lines.map((line) => `${line}\n`).join(''));
}

const PAGE = 200;

/** The same of many, as they come: a list in JSON, or rows of a table whose columns line up page by page. */
export async function sayEach<T>(
  asJson: boolean,
  items: AsyncIterable<T> | Iterable<T>,
  row: (item: T) => readonly string[],
): Promise<void> {
  if (asJson) {
    let before = '[';
    for await (const item of items) {
      process.stdout.write(before + JSON.stringify(item));
      before = ',';
    }
    process.stdout.write(before === '[' ? '[]\n' : ']\n');
    return;
  }
  const page: (readonly string[])[] = [];
  for await (const item of items) {
    page.push(row(item));
    if (page.length === PAGE) say(false, undefined, table(page.splice(0)));
  }
  say(false, undefined, table(page));
}

/** Columns of a table, as wide as they need to be. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Ms since the epoch, to the minute, in UTC. */
export const when = (at: number | null): string =>
  at === null ? '-' : `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')}Z`;

export const configuration = (): Config => readConfig({ env: process.env });

/** Runs `task` with every room open and closes them. What it writes is committed when it is done, or not at all. */
export async function inRooms<T>(
  task: (rooms: Rooms, work: ReturnType<Rooms['work']>) => Promise<T>,
): Promise<T> {
  const config = configuration();
  // Loaded only now: what needs no rooms (help, a slip on the line) should answer at once.
  const { openRooms } = await import('../app.ts');
  const rooms = await openRooms(config, createLog({ level: 'error', format: 'text' }));
  try {
    const work = rooms.work();
    const result = await task(rooms, work);
    await work.commit();
    return result;
  } finally {
    await rooms.close();
  }
}

type Said = Omit<Verb, 'run'>;

/** A verb for one thing, which the line names by the `word` of its usage, and no option but --json. */
export const onOne = (
  word: 'FILE' | 'ID' | 'NAME' | 'URI',
  { run, ...said }: Said & { run: (one: string, asJson: boolean) => Promise<void> },
): Verb => ({
  ...said,
  async run(args) {
    const { values, positionals: given } = parseArgs({ args, options: json, allowPositionals: true });
    const [one = ''] = positionals(given, word);
    await run(one, values.json);
  },
});

type All<T> = AsyncIterable<T> | Iterable<T> | Promise<Iterable<T>>;

/** A verb that shows all there is of something, a row of the table for each. */
export const listing = <T>({
  all,
  row,
  ...said
}: Said & { all: (rooms: Rooms) => All<T>; row: (item: T) => readonly string[] }): Verb => ({
  ...said,
  async run(args) {
    const { values } = parseArgs({ args, options: json });
    await inRooms(async (rooms) => sayEach(values.json, await all(rooms), row));
  },
});
