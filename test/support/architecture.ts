// The table of who may import whom, as a function from source files to broken rules.
// Called by test/architecture.test.ts only, on the real tree and on made-up ones.

import { posix } from 'node:path';

export type Source = { path: string; text: string };
type Import = { from: string; types: boolean; names: string };

const LEAVES = ['config', 'errors', 'crypto', 'outbound', 'log', 'clock', 'memory', 'metrics', 'runtime'];

/** A room imports only rooms before it. */
const DOMAIN = [
  'audit',
  'keys',
  // Before what is made of it: identities (accounts), who may come in (policy), kept connections (vault).
  'upstream',
  'policy',
  'accounts',
  'clients',
  'resources',
  'vault',
  'consent',
  'grants',
];

/** What each room may import besides itself and the leaf files; `type:` allows types only. */
const MAY: Record<string, string[]> = {
  main: ['cli'],
  cli: ['app', 'type:domain'],
  app: ['cli', 'http', 'oauth', 'domain', 'storage', 'views'],
  http: ['oauth', 'domain', 'views'],
  oauth: ['domain'],
  domain: ['type:storage'],
  storage: [],
  views: [],
  guard: [],
  leaf: [],
};

const PACKAGES: [pattern: RegExp, rooms: string[]][] = [
  [/^(@koa\/|koa$|koa-)/, ['http', 'type:oauth', 'guard']],
  [/^oidc-provider(\/|$)/, ['oauth']],
  [/^argon2$/, ['domain']],
  [/^oauth4webapi$/, ['domain']],
  [/^(drizzle-orm|better-sqlite3|pg|postgres)(\/|$)/, ['storage']],
];

/** The room of a file by its path from the repository's root; undefined for what the table does not speak of. */
function roomOf(path: string): string | undefined {
  if (path.startsWith('views/')) return 'views';
  if (path.startsWith('guard/src/')) return 'guard';
  const first = /^src\/([^/.]+)/.exec(path)?.[1];
  if (first === undefined) return undefined;
  return LEAVES.includes(first) ? 'leaf' : first;
}

const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

export function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  for (const [, keyword, names = '', from = ''] of code.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?([^'";=()]*?)\s*from\s*['"]([^'"]+)['"]/gm,
  )) {
    const braced = /^\{([^}]*)\}$/
      .exec(names.trim())?.[1]
      ?.split(',')
      .filter((name) => name.trim());
    const types = keyword !== undefined || (braced?.every((name) => /^\s*type\s/.test(name)) ?? false);
    found.push({ from, types, names });
  }
  for (const [, from = ''] of code.matchAll(
    /(?:^\s*import\s+|\b(?:import|require)\s*\(\s*)['"]([^'"]+)['"]/gm,
  )) {
    found.push({ from, types: false, names: '*' });
  }
  return found;
}

/** Every broken rule as a sentence that starts with the file's path. */
export function violations(sources: Source[]): string[] {
  const hashers = sources.filter(({ text }) => importsOf(text).some(({ from }) => from === 'argon2'));
  const found = hashers
    .slice(1)
    .map(({ path }) => `${path}: argon2 is already imported by ${hashers[0]?.path}`);
  for (const source of sources) {
    const room = roomOf(source.path);
    if (room === undefined) continue;
    const say = (what: string) => found.push(`${source.path}: ${what}`);
    if (!(room in MAY)) say(`there is no room called ${room}`);
    shape(source, say);
    for (const one of importsOf(source.text)) {
      if (one.from.startsWith('.')) inside(source.path, room, one, say);
      else outside(source.path, room, one, say);
    }
    if (source.path.startsWith('src/') && !/^src\/outbound(\.ts$|\/)/.test(source.path)) {
      if (/\bglobalThis\.fetch\b|(?<![.\w$])fetch\s*\(/.test(withoutComments(source.text)))
        say('calls fetch');
    }
  }
  return found;
}

function shape({ path, text }: Source, say: (what: string) => void): void {
  const lines = text.split('\n').length - 1;
  if (lines > 300) say(`has ${lines} lines`);
  for (const part of path.split('/').slice(path.startsWith('guard/') ? 2 : 1)) {
    const words = part.split('.')[0]?.split(/[-_]|(?<=[a-z])(?=[A-Z])/) ?? [];
    const odd = words.find((word) =>
      /^(utils?|helpers?|common|shared|lib|manager|service|impl|base)$/i.test(word),
    );
    if (odd) say(`is called ${odd}`);
  }
}

function inside(path: string, room: string, { from, types }: Import, say: (what: string) => void): void {
  const target = posix.join(posix.dirname(path), from);
  // The version is the one thing that the manifest is asked for.
  if (target === 'package.json' && path === 'src/outbound.ts') return;
  const there = roomOf(target);
  if (there === undefined) {
    say(`imports ${target}, which is in no room`);
    return;
  }
  if (there === 'leaf') {
    if (room === 'views' || room === 'guard') say(`imports the leaf ${target}`);
    // Reading settings is for whoever starts the process; a room is given the values it names.
    const reads = target === 'src/config.ts' && !types && !['cli', 'app', 'leaf'].includes(room);
    if (reads) say('imports more than types from src/config.ts');
    return;
  }
  if (room === 'domain' && there === 'domain') domainOrder(path, target, say);
  if (there === room) return;
  const may = MAY[room] ?? [];
  if (may.includes(there) || (types && may.includes(`type:${there}`))) return;
  if (path === 'src/oauth/adapter.ts' && there === 'storage') return;
  say(`${room} may not import ${types ? 'types of ' : ''}${there} (${target})`);
}

function domainOrder(path: string, target: string, say: (what: string) => void): void {
  const name = (file: string) => /^src\/domain\/([^/.]+)/.exec(file)?.[1] ?? '';
  const [here, there] = [name(path), name(target)];
  const [mine, theirs] = [DOMAIN.indexOf(here), DOMAIN.indexOf(there)];
  for (const [room, index] of [
    [here, mine],
    [there, theirs],
  ] as const) {
    if (index < 0) say(`domain/${room} is not in the order of domain rooms`);
  }
  if (mine >= 0 && theirs > mine) say(`domain/${here} comes before domain/${there} and may not import it`);
}

function outside(
  path: string,
  room: string,
  { from, types, names }: Import,
  say: (what: string) => void,
): void {
  const client =
    /^(node:)?https?$/.test(from) &&
    !types &&
    /\b(request|get|Agent|globalAgent)\b|^\*|^[a-z]/i.test(names.trim());
  const doorItself = /^src\/outbound(\.ts$|\/)/.test(path);
  if (client && !doorItself && path.startsWith('src/')) say(`imports a client from ${from}`);
  if (from === 'undici' && !doorItself) say('imports undici');
  if (/^oidc-provider\/./.test(from) && path !== 'src/oauth/internals.ts')
    say(`imports the inside of the engine (${from})`);
  if (room === 'views') say(`views import nothing but views (${from})`);
  if (room === 'guard' && !/^(node:|jose$|koa$|express$)/.test(from))
    say(`guard depends on jose alone (${from})`);
  if (from === 'oauth4webapi' && room === 'domain' && !path.startsWith('src/domain/upstream/'))
    say('oauth4webapi is for domain/upstream alone');
  const rule = PACKAGES.find(([pattern]) => pattern.test(from));
  if (!rule || room === 'app') return;
  const [, rooms] = rule;
  if (!rooms.includes(room) && !(types && rooms.includes(`type:${room}`))) say(`${from} is not for ${room}`);
}

/** Files that import one another in a circle, types included, each circle once as its files in order. */
export function circles(sources: Source[]): string[][] {
  const edges = new Map(
    sources.map(({ path, text }) => {
      const inward = importsOf(text).filter(({ from }) => from.startsWith('.'));
      return [path, inward.map(({ from }) => posix.join(posix.dirname(path), from))];
    }),
  );
  const found: string[][] = [];
  const done = new Set<string>();
  const follow = (path: string, way: string[]): void => {
    const before = way.indexOf(path);
    if (before >= 0) found.push(way.slice(before));
    if (before >= 0 || done.has(path)) return;
    for (const next of edges.get(path) ?? []) follow(next, [...way, path]);
    done.add(path);
  };
  for (const path of edges.keys()) follow(path, []);
  return found;
}
