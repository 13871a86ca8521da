// What is added on the command line is checked as if it stood in the configuration file, by the same code.

import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { type Config, ConfigProblems, readConfig } from '../config.ts';
import { positionals, UsageProblem } from './command.ts';

type Declaration = Record<string, unknown>;

/** The configuration that `declared` alone would make. `file` is where it came from; its secret files lie beside it. */
export function checked(declared: Declaration, file = 'the command line'): Config {
  const text = stringify(declared);
  const files = (path: string): string => (path === file ? text : readFileSync(path, 'utf8'));
  try {
    return readConfig({ env: { CARDEA_CONFIG: file }, files });
  } catch (error) {
    if (!(error instanceof ConfigProblems)) throw error;
    // The lines are those of a text that nobody has written.
    throw new ConfigProblems(error.problems.map((problem) => ({ ...problem, source: file })));
  }
}

/** A YAML file that holds one mapping. */
function mappingIn(file: string): Declaration {
  const held: unknown = parse(readFileSync(file, 'utf8'));
  if (typeof held !== 'object' || held === null || Array.isArray(held)) {
    throw new UsageProblem(`${file} does not hold a mapping`);
  }
  return held as Declaration;
}

/** What is to be added: as `file` has it, or made of the one word on the line, which help calls `word`. */
export function toAdd(
  word: string,
  { given, file }: { given: readonly string[]; file: string | undefined },
  made: (one: string) => Declaration,
): Declaration {
  if (file === undefined) return made(positionals(given, word)[0] ?? '');
  if (given.length > 0) throw new UsageProblem(`give ${word} or --file, not both`);
  return mappingIn(file);
}

/** What a file with a JWK set holds. What it means is checked where the file's entries are. */
export function keySetIn(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new UsageProblem(`--jwks ${file} is not a file that holds a JWK set`);
  }
}
