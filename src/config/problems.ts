// What is wrong with a configuration, in sentences an operator can act on.

import type { z } from 'zod';

export type Problem = {
  /** `port`, `resources[0].scopes[1].name`: the path in the YAML file, whatever source the value came from. */
  setting: string;
  /** `CARDEA_PORT`, `cardea.yaml line 12`, or `default`. */
  source: string;
  /** A sentence without its subject and full stop: "is not a port number". */
  problem: string;
  hint?: string;
};

/** Thrown by readConfig; `problems` is never empty and the message lists them, one a line. */
export class ConfigProblems extends Error {
  override name = 'ConfigProblems';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(sentence).join('\n'));
    this.problems = problems;
  }
}

/** One problem as a line: where it came from, what is wrong, what to do. */
export const sentence = ({ setting, source, problem, hint }: Problem): string =>
  `${source === 'default' || source === setting ? '' : `${source}: `}${setting} ${problem}.${hint ? ` ${hint}` : ''}`;

export type Path = readonly (string | number)[];

export const pathName = (path: Path): string =>
  path.reduce<string>(
    (name, part) => (typeof part === 'number' ? `${name}[${part}]` : name ? `${name}.${part}` : part),
    '',
  );

/** Tells where a value was written, for whoever has to mend it. */
type Places = { where(path: Path): string };

type Issue = z.core.$ZodIssue;

const kinds: Record<string, string> = {
  string: 'text',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
};

function words(issue: Issue): { problem: string; hint?: string } {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.message === MISSING) return { problem: 'is missing' };
      return { problem: `must be ${kinds[issue.expected] ?? issue.expected}` };
    case 'invalid_value':
      return { problem: `must be one of ${issue.values.map(String).join(', ')}` };
    case 'too_small':
      return {
        problem:
          issue.origin === 'array' || issue.origin === 'string'
            ? 'is empty'
            : `must be at least ${issue.minimum}`,
      };
    case 'too_big':
      return {
        problem: `must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters long' : ''}`,
      };
    default: {
      const [problem, hint] = issue.message.split('\n');
      return { problem: problem ?? 'is not valid', ...(hint && { hint }) };
    }
  }
}

const MISSING = 'missing';

/** Given to zod as `error`, so that an absent member and one of the wrong type can be told apart. */
export const markMissing = (issue: { code?: string; input?: unknown }): string | undefined =>
  issue.code === 'invalid_type' && issue.input === undefined ? MISSING : undefined;

/** zod's issues below `path` as problems; `known` are the names that a misspelt key may have meant. */
export function problemsOf(
  error: z.ZodError,
  {
    path,
    sources,
    source,
    known,
  }: { path: Path; sources: Places; source?: string; known?: (path: Path) => string[] },
): Problem[] {
  return error.issues.flatMap((issue) => {
    const full = [...path, ...(issue.path as (string | number)[])];
    const from = (at: Path) => source ?? sources.where(at);
    if (issue.code !== 'unrecognized_keys')
      return [{ setting: pathName(full), source: from(full), ...words(issue) }];
    return issue.keys.map((key) => ({
      setting: pathName([...full, key]),
      source: from([...full, key]),
      ...unknownKey(key, known?.(full) ?? []),
    }));
  });
}

/** The words for a key that does not exist, with the nearest one that does. */
export function unknownKey(key: string, known: readonly string[]): { problem: string; hint?: string } {
  const near = nearest(key, known);
  return { problem: 'is not a setting', ...(near && { hint: `Did you mean ${near}?` }) };
}

/** The candidate at the smallest edit distance from `word`, if that is small enough to be a slip. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(2, Math.floor(word.length / 3)) ? best.candidate : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swap));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
