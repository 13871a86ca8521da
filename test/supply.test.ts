// What comes from elsewhere, and what must not lie about in here. THREATS N14, N15.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

type Locked = {
  resolved?: string;
  integrity?: string;
  link?: boolean;
  hasInstallScript?: boolean;
  dev?: boolean;
};

describe('a package', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const packages = Object.entries(lock.packages as Record<string, Locked>).filter(
    ([path, { link }]) => path.includes('node_modules/') && !link,
  );

  it('is the one that was locked, by its digest, and comes from the registry', () => {
    expect(packages.length).toBeGreaterThan(100);
    for (const [path, { integrity, resolved }] of packages) {
      expect([path, integrity]).toEqual([path, expect.stringMatching(/^sha512-/)]);
      expect([path, resolved]).toEqual([path, undefined]); // git, a file, or a host of its own would stand here
    }
  });

  it('of a server runs nothing when it is installed, but for the one that hashes passwords', () => {
    const run = packages.filter(([, { hasInstallScript, dev }]) => hasInstallScript && !dev);
    expect(run.map(([path]) => path)).toEqual(['node_modules/argon2']);
  });
});

const SECRETS: Record<string, RegExp> = {
  'a private key': /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20}/,
  'a private JWK': /"d":\s*"[\w-]{40,}"/,
  'a token of GitHub': /\b(gh[pousr]_\w{36}|github_pat_\w{50})/,
  'a token of GitLab': /\bglpat-[\w-]{20}/,
  'a key of AWS': /\b(AKIA|ASIA)[0-9A-Z]{16}\b/,
  'a key of Google': /\bAIza[\w-]{35}/,
  'a token of Slack': /\bxox[abprs]-[\w-]{10,}/,
  'a key of Stripe or OpenAI': /\bsk[-_](live_|proj-)?[A-Za-z0-9]{20,}/,
  'a signed token': /\beyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{40,}/,
};
/** Made for loopback, by nobody trusted, and in no package. */
const ALLOWED = ['test/support/tls/server.key'];
const OTHERS = ['node_modules', '.git', 'data', 'dist'];

function* files(below = ''): Generator<string> {
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (entry.isDirectory() && !OTHERS.includes(entry.name)) yield* files(path);
    if (entry.isFile()) yield path;
  }
}

it('no file here holds a credential', () => {
  const found: string[] = [];
  for (const path of files()) {
    const text = readFileSync(join(root, path), 'latin1');
    for (const [what, pattern] of Object.entries(SECRETS))
      if (pattern.test(text)) found.push(`${path}: ${what}`);
  }
  expect(found.filter((each) => !ALLOWED.some((path) => each.startsWith(`${path}:`)))).toEqual([]);
  // or the search finds nothing at all
  expect(found).toEqual(['test/support/tls/server.key: a private key']);
});
