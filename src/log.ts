// Owns how a log line looks and what it never holds. Does not decide what is worth logging.
// Built once by the composition root; rooms get it, or a child of it, by name.

import { type Logger, pino } from 'pino';
import type { LogLevel } from './config.ts';
import { redact } from './log/redact.ts';

export type Log = Logger;

export type LogOptions = {
  level: LogLevel;
  /** `json`, or `text` for a person at a terminal. */
  format?: 'json' | 'text';
  /** Where lines go; standard error unless told, because standard output is kept for the ready line. */
  write?: (line: string) => void;
};

/** A pino logger whose every object and error is redacted, at any depth, before it is written. */
export function createLog({ level, format = 'json', write }: LogOptions): Log {
  const out = write ?? ((line: string) => void process.stderr.write(line));
  const render = format === 'text' ? asText : (line: object) => `${JSON.stringify(line)}\n`;
  // The second pass, over the finished line, sees what a child carries and the words of an error.
  const destination = { write: (line: string) => out(render(redact(JSON.parse(line)) as object)) };
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        log: (object) => redact(object) as Record<string, unknown>,
      },
      hooks: {
        // What a message interpolates is text by the time the line is finished, and its names are gone.
        logMethod(args, method) {
          const [first, ...values] = args as unknown[];
          method.apply(this, [first, ...values.map((value) => redact(value))] as typeof args);
        },
      },
      serializers: { err: (error) => error },
    },
    destination,
  );
}

/** A child whose lines all carry `trace`, the id that a person can quote from an error page. */
export const traced = (log: Log, trace: string): Log => log.child({ trace });

function asText(line: object): string {
  const { time, level, msg, ...rest } = line as Record<string, unknown>;
  const details = Object.entries(rest).map(([name, value]) => `${name}=${word(value)}`);
  const clock = String(time).slice(11, 19);
  return `${[clock, String(level).toUpperCase().padEnd(5), printable(String(msg ?? '')), ...details].join(' ')}\n`;
}

const word = (value: unknown): string =>
  typeof value === 'string' && /^[\w./:@-]+$/.test(value) ? value : printable(JSON.stringify(value));

// A line break or an escape sequence in a value must not look like another line to whoever reads a terminal.
const printable = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]/gu,
    (odd) => `\\u${(odd.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
