// Owns where the browser for tests comes from and how it is started. Called by whatever test needs real pages.

import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/**
 * Path of a Chromium: CARDEA_BROWSER, else one on PATH, else the one playwright installed.
 * Throws an Error that says what to install if there is none.
 */
export const findBrowser = (environment: NodeJS.ProcessEnv = process.env): string => {
  const chosen = environment.CARDEA_BROWSER;
  if (chosen) {
    if (isExecutable(chosen)) return chosen;
    throw new Error(`CARDEA_BROWSER names ${chosen}, which is not a program that can be run.`);
  }
  const folders = (environment.PATH ?? '').split(delimiter).filter(Boolean);
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
  if (found) return found;
  const own = chromium.executablePath();
  if (own && existsSync(own)) return own;
  throw new Error(
    'No browser for the tests. Install one with `npx playwright install --with-deps chromium` or ' +
      '`apt-get install chromium`, or set CARDEA_BROWSER to the path of a Chromium or Chrome.',
  );
};

/** A headless Chromium that talks to nobody of its own accord. Close it when done. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: findBrowser(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
  });
