// Runs before `npm start`, `npm test` and the like, on whatever Node the machine has (18 or newer): sees to it that
// what the lockfile names is installed, and with the argument `browser` that there is a browser for the tests.
// When all is well it says nothing and takes a moment.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));

/** Why `npm ci` is needed, or undefined when what is installed is what the lockfile names. */
export function staleness(dir) {
  const read = (...path) => JSON.parse(readFileSync(join(dir, ...path), 'utf8')).packages;
  if (!existsSync(join(dir, 'node_modules', '.package-lock.json'))) return 'nothing is installed yet';
  const wanted = read('package-lock.json');
  const installed = read('node_modules', '.package-lock.json');
  for (const [path, entry] of Object.entries(wanted)) {
    // Optional ones are for other systems; workspaces are links, and the root is this directory itself.
    if (!path.startsWith('node_modules/') || entry.link || entry.optional || entry.devOptional || entry.peer)
      continue;
    if (installed[path]?.version !== entry.version)
      return `${path.slice('node_modules/'.length)} ${entry.version} is not installed`;
    if (!existsSync(join(dir, path))) return `${path} is gone`;
  }
  return undefined;
}

/** The path of an executable called one of `names`, or undefined. */
export function onPath(names, path = process.env.PATH ?? '') {
  for (const folder of path.split(delimiter)) {
    for (const name of names) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not there; the next one may be.
      }
    }
  }
  return undefined;
}

const run = (command, args) =>
  spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;

function fail(message) {
  console.error(message);
  process.exit(1);
}

function ensureInstalled() {
  const why = staleness(root);
  if (why === undefined) return;
  console.log(`Installing dependencies (npm ci): ${why}.`);
  if (!run('npm', ['ci', '--no-audit', '--no-fund'])) fail('npm ci failed; its own words are above.');
}

async function hasBrowser() {
  const named = process.env.CARDEA_BROWSER;
  if (named) return existsSync(named) || fail(`CARDEA_BROWSER names ${named}, which does not exist.`);
  if (onPath(['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'])) return true;
  // Imported only now: it is a moment's work, and may have just been installed.
  const { chromium } = await import('playwright');
  return existsSync(chromium.executablePath());
}

async function ensureBrowser() {
  if (await hasBrowser()) return;
  console.log('The tests need a browser; installing Chromium.');
  run('npx', ['playwright', 'install', 'chromium']);
  if (await hasBrowser()) return;
  if (process.getuid?.() === 0 && onPath(['apt-get'])) {
    run('apt-get', ['update', '-q']);
    run('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'chromium']);
    if (await hasBrowser()) return;
  }
  fail(
    'No browser for the tests. Install Chromium (Debian: apt-get install chromium), or set CARDEA_BROWSER to one.',
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  ensureInstalled();
  if (process.argv.includes('browser')) await ensureBrowser();
}
