// A list that the YAML file declares (resources, clients): each entry is parsed by itself, so that one bad entry
// hides nothing about the others, and what is good can still be compared.

import { z } from 'zod';
import { markMissing, type Path, type Problem, pathName, problemsOf } from './problems.ts';
import { type Secret, secret } from './secret.ts';
import type { Sources } from './sources.ts';

/** A declared thing and where it stands in the file. */
export type Declared<T> = { value: T; path: Path };

/** The same before it is known to be whole; then `value` is undefined and what was wrong has been reported. */
export type Entry<T> = { value: T | undefined; path: Path };

export type Reading = { sources: Sources; problems: Problem[]; warnings: string[] };

/** Every entry of the list `name`; whatever does not fit `shape` is reported. */
export function entries<S extends z.ZodType>(
  name: string,
  shape: S,
  { sources, problems }: Reading,
): Entry<z.output<S>>[] {
  const list = sources.at([name]) ?? [];
  if (!Array.isArray(list)) {
    problems.push({ setting: name, source: sources.where([name]), problem: 'must be a list' });
    return [];
  }
  return list.map((entry: unknown, index) => {
    const path = [name, index];
    const parsed = shape.safeParse(entry, { error: markMissing });
    if (parsed.success) return { value: parsed.data, path };
    problems.push(
      ...problemsOf(parsed.error, { path, sources, known: (at) => keysAt(shape, at.slice(path.length)) }),
    );
    return { value: undefined, path };
  });
}

/** The keys that `shape` knows at `path`, for "did you mean". */
function keysAt(shape: z.ZodType, path: Path): string[] {
  let here: unknown = shape;
  for (const part of path) {
    here = unwrap(here);
    if (here instanceof z.ZodArray) here = here.element;
    else if (here instanceof z.ZodObject) here = here.shape[part as string];
    else return [];
  }
  here = unwrap(here);
  return here instanceof z.ZodObject ? Object.keys(here.shape) : [];
}

/** The schema inside optional and default. */
export function unwrap(schema: unknown): unknown {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
    inner = inner.unwrap();
  }
  return inner;
}

/** The members by which a mapping holds a secret, in the clear or in a file. */
export const secretMembers = {
  secret: z.string().optional().describe('A secret of at least 16 characters; or `secret_file`.'),
  secret_file: z
    .string()
    .optional()
    .describe('The file that holds it; a relative path starts at the YAML file.'),
};

/** RFC 6749 §2.3.1 has id and secret form-encoded before Basic, and half of the clients do not: these read the same. */
/** The secret of the mapping at `path`, or undefined when it has none (or none that can be used). */
export function declaredSecret(
  path: Path,
  { sources, problems, warnings }: Reading,
  name = 'secret',
): Secret | undefined {
  const found = sources.secretAt(path, name);
  if (!found) return undefined;
  const setting = pathName([...path, name]);
  // An unreadable file has been reported already.
  if (typeof found.raw !== 'string') return undefined;
  if (!/^[\x21-\x7e]+$/.test(found.raw)) {
    const problem = found.raw === '' ? 'is empty' : 'holds a space or a character that is not ASCII';
    problems.push({ setting, source: found.source, problem });
    return undefined;
  }
  if (found.raw.length < 16)
    warnings.push(`${found.source}: ${setting} is shorter than 16 characters and can be guessed.`);
  return secret(found.raw);
}
