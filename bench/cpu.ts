// What a process has cost, as the kernel accounts it. Where there is no /proc, time itself has to stand in.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const onLinux = process.platform === 'linux';
const TICKS = onLinux ? Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) : 1;

/** What `cost` counts: the processor time of the server, or time on the wall. */
export const CLOCK = onLinux ? 'CPU' : 'wall-clock';

/** Seconds that all threads of `pid` have used, user and system; without /proc, seconds on the wall. */
export function cost(pid: number): number {
  if (!onLinux) return performance.now() / 1000;
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // proc_pid_stat(5): the second field is a name in brackets and may hold spaces; utime and stime are 14 and 15
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Resident memory of `pid` in MiB; undefined without /proc. */
export function resident(pid: number): number | undefined {
  if (!onLinux) return undefined;
  const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return Number(kib) / 1024;
}
