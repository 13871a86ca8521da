// `npm test`: types, then lint, then every test, and a last line that a machine can read: `N passed, N failed`.
// Arguments go to vitest (`npm test -- test/config.test.ts`); `--long` also runs what takes minutes.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const given = process.argv.slice(2);
const args = given.filter((arg) => arg !== '--long');
const scratch = mkdtempSync(join(tmpdir(), 'cardea-test-'));
const report = join(scratch, 'report.json');
const env = {
  ...process.env,
  PATH: join(root, 'node_modules', '.bin') + delimiter + process.env.PATH,
  ...(args.length < given.length && { CARDEA_LONG: '1' }),
};

const run = (command, ...rest) =>
  spawnSync(command, rest, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] }).status;

const unsound = [
  ['types', run('tsc', '--noEmit', '-p', '.')],
  ['lint', run('biome', 'check', '--diagnostic-level=warn')],
].filter(([, status]) => status !== 0);

const status = run(
  'vitest',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...args,
);
const { passed, failed, skipped } = counts();
rmSync(scratch, { recursive: true, force: true });
for (const [name] of unsound) console.log(`${name}: failed, see above`);
console.log(
  `${passed} passed, ${failed + unsound.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
);
process.exitCode = status === 0 && unsound.length === 0 ? 0 : 1;

/** A file that does not load has no tests to fail, so it counts as one failure; so does a run without a report. */
function counts() {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    const broken = testResults.filter(
      (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
    );
    const failed = numFailedTests + broken.length;
    return {
      passed: numPassedTests,
      failed: status !== 0 && failed === 0 ? 1 : failed,
      skipped: numPendingTests + numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
