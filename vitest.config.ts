import { defineConfig } from 'vitest/config';

const rules = ['test/**/*.test.ts', 'guard/test/**/*.test.ts'];

// The flow once more on PostgreSQL, where every statement is another driver's, and another transaction.
const flow = [
  'access-tokens',
  'at-rest',
  'authorization-code',
  'client-credentials',
  'client-ceiling',
  'consent',
  'device',
  'dpop',
  'host',
  'interaction',
  'introspection',
  'memberships',
  'pushed-requests',
  'redirect-uris',
  'refresh',
  'registration',
  'registration-management',
  'revocation',
  'several-resources',
  'token-exchange',
].map((name) => `test/oauth/${name}.test.ts`);

export default defineConfig({
  test: {
    pool: 'forks',
    // The tests start servers, databases and browsers of their own, and often wait for them: on two cores a third
    // takes a minute off the run, and more only makes each slower.
    maxWorkers: 3,
    passWithNoTests: false,
    projects: [
      { extends: true, test: { name: 'rules', include: rules, testTimeout: 60_000, hookTimeout: 60_000 } },
      {
        extends: true,
        test: {
          name: 'rules on PostgreSQL',
          include: [...flow, 'test/http/upstream-*.test.ts', 'test/http/connect*.test.ts'],
          globalSetup: 'test/support/shared-postgres.ts',
          setupFiles: 'test/support/on-postgres.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: { name: 'stories', include: ['e2e/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
      },
    ],
  },
});
