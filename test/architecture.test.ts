import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { circles, importsOf, type Source, violations } from './support/architecture.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const tree = (folder: string): Source[] =>
  readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[cm]?[jt]s$/.test(name) && !name.includes('node_modules'))
    .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(`${root}${folder}/${name}`, 'utf8') }));

test('every file of src, views and guard keeps to the table of rooms', () => {
  const sources = ['src', 'views', 'guard/src'].flatMap(tree);
  expect(sources.length).toBeGreaterThan(50);
  expect(violations(sources)).toEqual([]);
});

test('no files import one another in a circle, not even types', () => {
  expect(circles(['src', 'views', 'guard/src'].flatMap(tree))).toEqual([]);
  const made = [
    { path: 'a/one.ts', text: "import { x } from './two.ts';" },
    { path: 'a/two.ts', text: "import { y } from '../b/three.ts';" },
    { path: 'b/three.ts', text: "import type { Z } from '../a/two.ts';" },
  ];
  expect(circles(made)).toEqual([['a/two.ts', 'b/three.ts']]);
});

test.each<[path: string, text: string, words: RegExp]>([
  ['src/storage/keys.ts', "import { x } from '../domain/keys.ts';", /storage may not import domain/],
  [
    'src/storage/keys.ts',
    "import type { X } from '../oauth/host.ts';",
    /storage may not import types of oauth/,
  ],
  ['src/domain/keys.ts', "import { x } from '../storage/keys.ts';", /domain may not import storage/],
  ['src/domain/keys.ts', "import { type X, y } from '../storage/keys.ts';", /domain may not import storage/],
  ['src/domain/keys.ts', "import { x } from './grants.ts';", /keys comes before domain\/grants/],
  [
    'src/domain/consent/sheet.ts',
    "import type { X } from '../grants.ts';",
    /consent comes before domain\/grants/,
  ],
  ['src/domain/misc.ts', "import { x } from './keys.ts';", /misc is not in the order/],
  ['src/domain/keys.ts', "export { x } from '../http/server.ts';", /domain may not import http/],
  [
    'src/oauth/host.ts',
    "import type { X } from '../storage/artifacts.ts';",
    /oauth may not import types of storage/,
  ],
  ['src/oauth/host.ts', "import { page } from '../../views/error.ts';", /oauth may not import views/],
  ['src/http/server.ts', "import {\n  a,\n  b,\n} from '../storage/open.ts';", /http may not import storage/],
  ['src/http/server.ts', "const x = await import('../storage/open.ts');", /http may not import storage/],
  ['src/cli/key.ts', "import { keys } from '../domain/keys.ts';", /cli may not import domain/],
  ['src/main.ts', "import { app } from './app.ts';", /main may not import app/],
  ['src/errors.ts', "import { x } from './domain/keys.ts';", /leaf may not import domain/],
  ['src/http/server.ts', "import { readConfig } from '../config.ts';", /more than types/],
  ['src/http/server.ts', "import x from '../../examples/x.ts';", /in no room/],
  ['src/rest/server.ts', '', /no room called rest/],
  ['src/domain/keys.ts', "import Koa from 'koa';", /koa is not for domain/],
  ['src/oauth/host.ts', "import Koa from 'koa';", /koa is not for oauth/],
  ['src/http/server.ts', "import Provider from 'oidc-provider';", /oidc-provider is not for http/],
  ['src/oauth/host.ts', "import x from 'oidc-provider/lib/x.js';", /inside of the engine/],
  ['src/domain/keys.ts', "import { eq } from 'drizzle-orm';", /drizzle-orm is not for domain/],
  ['src/http/server.ts', "import argon2 from 'argon2';", /argon2 is not for http/],
  ['src/http/server.ts', "import * as oauth from 'oauth4webapi';", /oauth4webapi is not for http/],
  ['src/domain/vault.ts', "import * as oauth from 'oauth4webapi';", /for domain\/upstream alone/],
  ['src/domain/keys.ts', "import { Client } from 'undici';", /imports undici/],
  ['src/domain/keys.ts', "import { request } from 'node:https';", /a client from node:https/],
  ['src/http/server.ts', "import http from 'node:http';", /a client from node:http/],
  ['src/domain/keys.ts', "const x = await fetch('https://x');", /calls fetch/],
  ['src/domain/keys.ts', 'const x = globalThis.fetch;', /calls fetch/],
  ['views/error.ts', "import { x } from '../src/errors.ts';", /imports the leaf/],
  ['views/error.ts', "import { z } from 'zod';", /nothing but views/],
  ['guard/src/guard.ts', "import { z } from 'zod';", /jose alone/],
  ['guard/src/guard.ts', "import { x } from '../../src/domain/keys.ts';", /guard may not import domain/],
  ['src/domain/keys.ts', 'x\n'.repeat(301), /301 lines/],
  ['src/http/utils/x.ts', '', /called utils/],
  ['src/http/page-helpers.ts', '', /called helpers/],
  ['src/domain/GrantManager.ts', '', /called Manager/],
  ['src/domain/key-service.ts', '', /called service/],
])('%s with %j is found', (path, text, words) => {
  expect(violations([{ path, text }])).toEqual([expect.stringMatching(words)]);
});

test('a second file with argon2 is found', () => {
  const text = "import { hash } from 'argon2';";
  const two = ['src/domain/accounts/password.ts', 'src/domain/clients/secret.ts'].map((path) => ({
    path,
    text,
  }));
  expect(violations(two)).toEqual([
    expect.stringMatching(/^src\/domain\/clients\/secret.ts: argon2 is already/),
  ]);
});

test.each<[path: string, text: string]>([
  ['src/domain/grants.ts', "import type { X } from '../storage/grants.ts';\nimport { y } from './keys.ts';"],
  ['src/domain/keys.ts', "import { type X, type Y } from '../storage/keys.ts';"],
  ['src/oauth/adapter.ts', "import { artifacts } from '../storage/artifacts.ts';"],
  ['src/oauth/host.ts', "import type { Context } from 'koa';\nimport Provider from 'oidc-provider';"],
  [
    'src/oauth/provider.ts',
    'const x = { fetch: outbound.fetch };\nawait outbound.fetch(url); // not fetch()',
  ],
  [
    'src/http/server.ts',
    "import { createServer } from 'node:http';\nimport { page } from '../../views/error.ts';",
  ],
  ['src/http/server.ts', "// import { x } from '../storage/open.ts';\n/* import '../storage/open.ts' */"],
  ['src/storage/database.ts', "import { Refusal } from '../errors.ts';"],
  ['src/app.ts', "import { open } from './storage/open.ts';\nimport { readConfig } from './config.ts';"],
  ['src/domain/resources.ts', "import { canonicalResource } from '../config/resource-uri.ts';"],
])('%s with %j is in order', (path, text) => expect(violations([{ path, text }])).toEqual([]));

test('an import is read whatever its form', () => {
  const forms =
    "import 'a';\nimport b from 'b';\nimport * as c from 'c';\nexport * from 'd';\nimport type { E } from \"e\";\nconst f = import('f');";
  expect(
    importsOf(forms)
      .map(({ from }) => from)
      .sort(),
  ).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
});
