// Holds a process to a share of one core, so that it is what runs out first, and not the machine that it shares with
// its database and with whoever asks it. Linux as root with cgroups (v1 or v2), or not at all.

import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';

const PERIOD = 10_000; // µs: short, or whoever waits for its turn waits long

export type Share = {
  /** Of a core, in percent; undefined is as much as there is. */
  is(percent: number | undefined): void;
  free(): void;
};

/** From now on `pid` can be held to a share; undefined where that cannot be done here. */
export function share(pid: number): Share | undefined {
  for (const v1 of [true, false]) {
    const home = v1 ? '/sys/fs/cgroup/cpu' : '/sys/fs/cgroup';
    const group = `${home}/cardea-bench-${pid}`;
    const is = (percent: number | undefined): void => {
      const quota = percent === undefined ? undefined : (PERIOD * percent) / 100;
      if (v1) {
        writeFileSync(`${group}/cpu.cfs_period_us`, String(PERIOD));
        writeFileSync(`${group}/cpu.cfs_quota_us`, String(quota ?? -1));
      } else writeFileSync(`${group}/cpu.max`, `${quota ?? 'max'} ${PERIOD}`);
    };
    try {
      mkdirSync(group);
      is(undefined);
      writeFileSync(`${group}/cgroup.procs`, String(pid));
    } catch {
      continue;
    }
    return {
      is,
      free(): void {
        writeFileSync(`${home}/cgroup.procs`, String(pid));
        rmdirSync(group);
      },
    };
  }
  return undefined;
}
