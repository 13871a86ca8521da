// What is asked of PostgreSQL in one turn of the event loop goes to it together: many requests that are served at once
// cost one message and one answer, not one each. Only questions that have a name, for those are lookups by a key; a
// long list goes by itself and keeps nobody waiting. Called by postgres.ts, and through it by drizzle.

import type pg from 'pg';
import { BatchFailed, runBatch } from './batch.ts';
import { disconnected, sqlState } from './faults.ts';

/** As drizzle puts it. */
type Question = { name?: string; text: string; types: { getTypeParser(type: number): Reader } };
type Reader = (text: string) => unknown;
type Answer = { rows: unknown[][] };

type Asked = {
  question: Question & { name: string };
  values: unknown[];
  readers: readonly Reader[];
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
};

const RETRY_WITHIN = 1_000;

/** Of one question alone, so that the others may be answered; what is not would be as slow again for each of them. */
const ofOne = (error: unknown): boolean => !disconnected(error) && !/^(55P03|57)/.test(sqlState(error) ?? '');

/** A client for drizzle, of which it uses `query` alone. */
export function asking(pool: pg.Pool): pg.Pool {
  // by the name of a question, once it has been answered and so described
  const known = new Map<string, readonly Reader[]>();
  let waiting: Asked[] = [];

  async function alone(question: Question, values: unknown[]): Promise<Answer> {
    const answer = await pool.query(question as pg.QueryArrayConfig, values);
    if (question.name !== undefined) {
      const readers = answer.fields.map(({ dataTypeID }) => question.types.getTypeParser(dataTypeID));
      known.set(question.name, readers);
    }
    return answer;
  }

  async function together(asked: readonly Asked[]): Promise<void> {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      const answers = await runBatch(
        client,
        asked.map(({ question: { name, text }, values }) => ({ name, text, values })),
      );
      for (const [at, { readers, resolve }] of asked.entries()) {
        const rows = (answers[at] ?? []).map((row) =>
          row.map((text, column) => (text === null ? null : readers[column]?.(text))),
        );
        resolve({ rows });
      }
    } catch (error) {
      const { cause, spoilt } = error as BatchFailed;
      if (!(error instanceof BatchFailed) || spoilt || disconnected(cause)) broken = error as Error;
      throw error instanceof BatchFailed ? cause : error;
    } finally {
      client.release(broken);
    }
  }

  async function send(): Promise<void> {
    const asked = waiting;
    waiting = [];
    const began = performance.now();
    // to ask changes nothing, so that a connection that broke is no reason to give up
    const again = (error: unknown): Promise<void> => {
      if (disconnected(error) && performance.now() - began < RETRY_WITHIN) return together(asked);
      throw error;
    };
    await together(asked)
      .catch(again)
      .catch((error) => {
        for (const { question, values, resolve, reject } of asked) {
          if (ofOne(error)) alone(question, values).then(resolve, reject);
          else reject(error);
        }
      });
  }

  function query(question: Question, values: unknown[]): Promise<Answer> {
    const { name } = question;
    const readers = name === undefined ? undefined : known.get(name);
    if (name === undefined || !readers) return alone(question, values);
    return new Promise((resolve, reject) => {
      waiting.push({ question: { ...question, name }, values, readers, resolve, reject });
      if (waiting.length === 1) setImmediate(send);
    });
  }

  return { query } as unknown as pg.Pool;
}
