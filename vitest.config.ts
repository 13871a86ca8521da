import { defineConfig } from 'vitest/config';

const rules = ['test/**/*.test.ts', 'guard/test/**/*.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    // The tests start servers, databases and browsers of their own; more at once only makes each slower.
    maxWorkers: 2,
    passWithNoTests: false,
    projects: [
      { extends: true, test: { name: 'rules', include: rules, testTimeout: 60_000, hookTimeout: 60_000 } },
      {
        extends: true,
        test: { name: 'stories', include: ['e2e/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
      },
    ],
  },
});
