import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { ALLOCATOR, FLAGS } from '../src/runtime.ts';

const runtime = pathToFileURL(fileURLToPath(new URL('../src/runtime.ts', import.meta.url))).href;

/** What a process says of itself after it had the chance to become another. */
function told(execArgv: string[], env: Record<string, string> = {}) {
  const program = `import { becomeFrugal } from ${JSON.stringify(runtime)};
const pid = process.env.BEFORE ?? String(process.pid);
process.env.BEFORE = pid;
becomeFrugal();
console.log(JSON.stringify({ same: pid === String(process.pid), flags: process.execArgv, args: process.argv.slice(2), arenas: process.env.MALLOC_ARENA_MAX }));`;
  const entry = `data:text/javascript,${encodeURIComponent(program)}`;
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const given = [
    ...execArgv,
    fileURLToPath(new URL('./support/import.mjs', import.meta.url)),
    entry,
    'serve',
  ];
  return JSON.parse(
    execFileSync(process.execPath, given, { env: { ...inherited, ...env }, encoding: 'utf8' }),
  ) as { same: boolean; flags: string[]; args: string[]; arenas?: string };
}

test('a server that starts becomes one with a small heap, under the same process id and arguments', () => {
  const now = told(['--stack-trace-limit=20']);
  expect(now.same).toBe(true);
  expect(now.flags).toEqual([...FLAGS, '--stack-trace-limit=20']);
  expect(now.args.at(-1)).toBe('serve');
  expect(now.arenas).toBe(ALLOCATOR.MALLOC_ARENA_MAX);
});

test.each([
  [['--max-semi-space-size=32'], {}],
  [['--max-old-space-size=512'], {}],
  [[], { NODE_OPTIONS: '--max-old-space-size=512' }],
  [[], { MALLOC_ARENA_MAX: '8' }],
  [[], { GLIBC_TUNABLES: 'glibc.malloc.tcache_count=0' }],
])('what the operator says of the heap or the allocator stands (%j %j)', (flags, env) => {
  expect(told(flags, env).flags).toEqual(flags);
});

test('the image says nothing of them, so that a server in a container becomes one as well', () => {
  const image = readFileSync(new URL('../deploy/Dockerfile', import.meta.url), 'utf8');
  for (const name of [...Object.keys(ALLOCATOR), 'NODE_OPTIONS', '-size=']) expect(image).not.toContain(name);
});
