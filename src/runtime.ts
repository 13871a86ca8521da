// How Node is told to use memory while it serves. Left to itself it lets garbage pile up: several hundred MiB under
// load, of which some 30 are alive. Told so, a server stays at a third of that and takes no more CPU for it.

/** Young objects in halves of 2 MiB, the old collected at 10 % more of them, compiled code forgotten sooner. */
export const FLAGS = ['--max-semi-space-size=2', '--heap-growing-percent=10', '--bytecode-old-age=2'];

// glibc keeps what was freed; a password hash takes 19 MiB, on each of four threads. These give it back, and take it in
// large pages where the kernel has them: in pages of 4 KiB that is a third of a hash. Thresholds as low as glibc's own,
// which grow unless they are said, keep what is large away from the heap, where a large page would stay for a small rest.
export const ALLOCATOR = {
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

/** Whoever says something about the heap or the allocator has thought about it more than we can. */
const said = (): boolean =>
  [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].some((each) =>
    /--(max[-_]semi[-_]space|heap[-_]growing|max[-_]old[-_]space|optimize[-_]for[-_]size)/.test(each),
  ) || Object.keys(ALLOCATOR).some((name) => name in process.env);

/**
 * Becomes the same program with these flags: the process, its id, its files and its arguments stay. Such flags are
 * read when Node starts, so there is no later moment. Does nothing where they are set, or where a process cannot
 * become another (Windows, Node before 22.15).
 */
export function becomeFrugal(): void {
  if (process.platform === 'win32' || typeof process.execve !== 'function' || said()) return;
  const [, entry = '', ...rest] = process.argv;
  process.execve(process.execPath, [process.execPath, ...FLAGS, ...process.execArgv, entry, ...rest], {
    ...process.env,
    ...ALLOCATOR,
  });
}
