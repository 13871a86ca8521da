// Hears from PostgreSQL what other processes have changed, on a connection of its own that is made anew when it breaks.
// What is said while there is none is lost: whoever listens also looks by itself now and then.

import pg from 'pg';
import type { Change } from './commit.ts';

const PAUSE = 1_000;

/** `onChange` hears of every change, and of 'everything' when some may have been missed. Returns how to stop. */
export function listenForChanges(
  url: string,
  onChange: (what: Change | 'everything') => void,
  onError: (error: Error) => void,
): () => Promise<void> {
  let stopped = false;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let told = false;

  async function connect(): Promise<void> {
    const mine = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, keepAlive: true });
    client = mine;
    let over = false;
    const again = (error?: Error): void => {
      if (over) return;
      over = true;
      mine.end().catch(() => {});
      if (stopped) return;
      // Once a break, not once a try.
      if (error && !told) onError(error);
      told = true;
      timer = setTimeout(connect, PAUSE).unref();
    };
    mine.on('error', again).on('end', () => again());
    mine.on('notification', ({ payload }) => onChange(payload as Change));
    try {
      await mine.connect();
      await mine.query('LISTEN cardea');
      told = false;
      onChange('everything');
    } catch (error) {
      again(error as Error);
    }
  }
  void connect();

  return async () => {
    stopped = true;
    clearTimeout(timer);
    await client?.end().catch(() => {});
  };
}
