// For a process under test, loaded with `--import`: what is done once a minute is done ten times a second.

const { setTimeout: later } = globalThis;
globalThis.setTimeout = ((task: () => void, ms?: number) =>
  later(task, ms === 60_000 ? 100 : ms)) as typeof setTimeout;
