// Makes guard/dist, a package of plain JavaScript to publish from: `npm run build -w guard && npm publish guard/dist`.
// Inside this repository the sources are used as they are; Node does not run TypeScript from node_modules.
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

process.chdir(import.meta.dirname);
rmSync('dist', { recursive: true, force: true });
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });

const { scripts: _, exports, ...manifest } = JSON.parse(readFileSync('package.json', 'utf8'));
const built = Object.entries(exports).map(([name, source]) => {
  const file = source.replace('./src/', './').replace(/\.ts$/, '');
  return [name, { types: `${file}.d.ts`, default: `${file}.js` }];
});
writeFileSync(
  'dist/package.json',
  `${JSON.stringify({ ...manifest, exports: Object.fromEntries(built) }, null, 2)}\n`,
);
copyFileSync('README.md', 'dist/README.md');
