// Where a raw value came from: the environment, a `*_FILE` beside it, the YAML file, or nowhere.

import { dirname, resolve } from 'node:path';
import { isMap, LineCounter, parseDocument } from 'yaml';
import { nearest, type Path, type Problem, pathName, unknownKey } from './problems.ts';
import { type SettingName, settingNames, settings } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
/** Reads a whole text file; throws when it cannot. */
export type ReadFile = (path: string) => string;

type Given = { env: Environment; files: ReadFile; problems: Problem[]; warnings: string[] };

/** Read by other parts of the system than the configuration; not misspelt settings. */
const ELSEWHERE = ['CARDEA_CONFIG', 'CARDEA_LONG', 'CARDEA_BROWSER'];
const DECLARED = ['resources', 'clients', 'upstreams'];

export type Sources = ReturnType<typeof openSources>;

/** Reads the YAML file if there is one; reports what cannot be read, is unknown, or is said twice. */
export function openSources({ env, files, problems, warnings }: Given) {
  const file = env['CARDEA_CONFIG'] || undefined;
  const lines = new LineCounter();
  const document = file === undefined ? undefined : parse(file);
  const tree = (document?.toJS({ maxAliasCount: 100 }) ?? {}) as Record<string, unknown>;
  if (document) reportUnknownKeys();
  reportUnknownVariables();

  function parse(path: string) {
    const text = read(path, { setting: 'CARDEA_CONFIG', source: 'CARDEA_CONFIG' });
    if (text === undefined) return undefined;
    const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    for (const { message, pos } of parsed.errors) {
      // The library's first line only: the rest quotes the source, which may hold a secret.
      const problem = `is not valid YAML: ${message.split('\n')[0]?.replace(/[.:]$/, '')}`;
      problems.push({
        setting: 'CARDEA_CONFIG',
        source: `${path} line ${lines.linePos(pos[0]).line}`,
        problem,
      });
    }
    if (parsed.errors.length > 0) return undefined;
    if (parsed.contents !== null && !isMap(parsed.contents)) {
      problems.push({ setting: 'CARDEA_CONFIG', source: path, problem: 'must hold a mapping of settings' });
      return undefined;
    }
    return parsed;
  }

  function read(path: string, at: { setting: string; source: string }): string | undefined {
    try {
      return files(path);
    } catch (error) {
      const why =
        (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message;
      problems.push({ ...at, problem: `names ${path}, which cannot be read: ${why}` });
      return undefined;
    }
  }

  /** The YAML file and line of `path`, or of the nearest thing above it that exists. */
  function where(path: Path): string {
    if (!document || file === undefined) return 'default';
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as
        | { range?: [number, number, number] }
        | undefined;
      if (node?.range) return `${file} line ${lines.linePos(node.range[0]).line}`;
    }
    return file;
  }

  const at = (path: Path): unknown =>
    path.reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], tree) ??
    undefined;

  /** The content of a secret's file without its line end; a relative path starts at `base`. */
  function secretFile(
    path: string,
    base: string,
    from: { setting: string; source: string },
  ): string | undefined {
    return read(resolve(base, path), from)?.replace(/\r?\n$/, '');
  }

  /** `secret` or `secret_file` (whatever `name` is) of the mapping at `path`; undefined when neither is there. */
  function secretAt(path: Path, name = 'secret'): { raw: unknown; source: string } | undefined {
    const source = where([...path, name]);
    const value = at([...path, name]);
    const held = at([...path, `${name}_file`]);
    if (held === undefined) return value === undefined ? undefined : { raw: value, source };
    const from = { setting: pathName([...path, `${name}_file`]), source: where([...path, `${name}_file`]) };
    if (value !== undefined)
      problems.push({ ...from, problem: `is set, and so is ${pathName([...path, name])}; keep one` });
    if (typeof held === 'string')
      return { raw: secretFile(held, dirname(file ?? '.'), from) ?? '', source: from.source };
    problems.push({ ...from, problem: 'must be the path of a file' });
    return undefined;
  }

  /** The raw value of a setting, from the strongest source that has it. */
  function setting(name: SettingName): { raw: unknown; source: string } {
    const { env: variable, secret } = settings[name];
    // An empty variable is an unset one, as compose files leave them.
    const value = variable && env[variable] ? env[variable] : undefined;
    const held = variable && secret ? env[`${variable}_FILE`] || undefined : undefined;
    if (value !== undefined && held !== undefined) {
      problems.push({
        setting: name,
        source: `${variable}_FILE`,
        problem: `is set, and so is ${variable}; keep one`,
      });
    }
    if (value !== undefined) return { raw: value, source: variable as string };
    if (held !== undefined) {
      const source = `${variable}_FILE`;
      return { raw: secretFile(held, '.', { setting: name, source }), source };
    }
    const path = name.split('.');
    if (secret) return secretAt(path.slice(0, -1), path.at(-1)) ?? { raw: undefined, source: 'default' };
    const raw = at(path);
    return { raw, source: raw === undefined ? 'default' : where(path) };
  }

  function reportUnknownKeys() {
    const names = settingNames.flatMap((name) => (settings[name].secret ? [name, `${name}_file`] : [name]));
    const groups = new Set(
      names.filter((name) => name.includes('.')).map((name) => name.slice(0, name.indexOf('.'))),
    );
    const report = (path: Path, known: string[]) =>
      problems.push({
        setting: pathName(path),
        source: where(path),
        ...unknownKey(String(path.at(-1)), known),
      });
    for (const [key, value] of Object.entries(tree)) {
      if (DECLARED.includes(key) || (names as string[]).includes(key)) continue;
      if (!groups.has(key)) {
        report([key], [...DECLARED, ...groups, ...names]);
        continue;
      }
      const members = names
        .filter((name) => name.startsWith(`${key}.`))
        .map((name) => name.slice(key.length + 1));
      if (value === null) continue;
      if (typeof value !== 'object' || Array.isArray(value)) {
        problems.push({ setting: key, source: where([key]), problem: 'must be a mapping' });
        continue;
      }
      for (const member of Object.keys(value)) if (!members.includes(member)) report([key, member], members);
    }
  }

  // A variable may belong to something else (Kubernetes adds CARDEA_SERVICE_HOST), so a slip only warns.
  function reportUnknownVariables() {
    const known = settingNames.flatMap((name) => {
      const { env: variable, secret } = settings[name];
      return variable ? (secret ? [variable, `${variable}_FILE`] : [variable]) : [];
    });
    for (const variable of Object.keys(env)) {
      if (!variable.startsWith('CARDEA_') || known.includes(variable) || ELSEWHERE.includes(variable))
        continue;
      const near = nearest(
        variable.slice(7),
        [...known, ...ELSEWHERE].map((name) => name.replace(/^CARDEA_/, '')),
      );
      if (near) warnings.push(`${variable} is not a setting. Did you mean CARDEA_${near}?`);
    }
  }

  return { setting, secretAt, where, at };
}
