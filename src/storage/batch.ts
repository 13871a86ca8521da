// Many statements on one PostgreSQL connection as one message: the server answers them together, at the only Sync, and
// after one that fails it does none of the rest (PostgreSQL, "Extended Query"). node-postgres asks for an answer after
// each, and has every answer described, which for a statement that has a name is the same every time. It is what that
// driver calls a Submittable, as its cursors are. Called by transaction.ts and asking.ts.

import type pg from 'pg';

type Value = string | Buffer | null;
export type Named = { name: string; text: string; values: readonly unknown[] };

/** What the driver hands a Submittable, as far as it is needed here. */
type Connection = {
  stream: { cork(): void; uncork(): void };
  /** By name: what the server has parsed. */
  parsedStatements: Record<string, string>;
  parse(statement: { name: string; text: string }): void;
  bind(portal: { statement: string; values: readonly Value[] }): void;
  execute(portal: { portal: string; rows: number }): void;
  sync(): void;
};

/** Of each statement the rows that it returned, as text. */
export type Answers = readonly (readonly (readonly (string | null)[])[])[];

/** What went wrong is its `cause`. */
export class BatchFailed extends Error {
  override name = 'BatchFailed';
  /** Which statement it was that failed; where the connection did, the first that was not answered. */
  readonly at: number;
  /** What the server has parsed of it is not known, so that the connection is of no more use. */
  readonly spoilt: boolean;
  constructor(cause: unknown, at: number, spoilt: boolean) {
    super('a statement of a batch failed', { cause });
    this.at = at;
    this.spoilt = spoilt;
  }
}

const asText = (value: unknown): Value => {
  if (value === null || value === undefined) return null;
  return Buffer.isBuffer(value) ? value : String(value);
};

/** Runs `statements` in order. Throws BatchFailed. */
export function runBatch(client: pg.ClientBase, statements: readonly Named[]): Promise<Answers> {
  const answers: (string | null)[][][] = statements.map(() => []);
  let fresh = false;
  let done = 0;

  return new Promise((resolve, reject) => {
    const batch = {
      /** For those who listen at the driver. */
      statements,
      callback: undefined as ((error: Error | null) => void) | undefined,
      submit(given: Connection): void {
        given.stream.cork();
        for (const { name, text, values } of statements) {
          if (given.parsedStatements[name] === undefined) {
            given.parse({ name, text });
            given.parsedStatements[name] = text;
            fresh = true;
          }
          given.bind({ statement: name, values: values.map(asText) });
          given.execute({ portal: '', rows: 0 });
        }
        given.sync();
        given.stream.uncork();
      },
      handleDataRow({ fields }: { fields: (string | null)[] }): void {
        answers[done]?.push(fields);
      },
      handleCommandComplete(): void {
        done += 1;
      },
      handleError(error: Error): void {
        batch.callback?.(error);
      },
      handleReadyForQuery(): void {
        batch.callback?.(null);
      },
    };
    client.query(
      batch as never,
      ((error: Error | null) => {
        if (error) reject(new BatchFailed(error, done, fresh));
        else resolve(answers);
      }) as never,
    );
  });
}
