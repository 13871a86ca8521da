// The upstreams that people sign in with and connect, beside those that the configuration declares.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Refusal } from '../errors.ts';
import { type Command, configuration, inRooms, json, listing, onOne, say, UsageProblem } from './command.ts';
import { checked, toAdd } from './declared.ts';

const options = {
  ...json,
  kind: { type: 'string' },
  label: { type: 'string' },
  issuer: { type: 'string' },
  tenant: { type: 'string' },
  'client-id': { type: 'string' },
  'client-secret-file': { type: 'string' },
  'private-key-file': { type: 'string' },
  scope: { type: 'string', multiple: true },
  hint: { type: 'string' },
  file: { type: 'string' },
} as const;

type Said = { [Name in Exclude<keyof typeof options, 'json' | 'scope'>]?: string | undefined } & {
  scope?: string[] | undefined;
};

/** `-` is standard input, so that a secret need not lie in a file; it never stands on the command line. */
const secretIn = (file: string | undefined): string | undefined =>
  file === undefined ? undefined : readFileSync(file === '-' ? 0 : file, 'utf8').replace(/\r?\n$/, '');

function entryOf(name: string, said: Said): Record<string, unknown> {
  const members = {
    name,
    kind: said.kind,
    label: said.label,
    issuer: said.issuer,
    tenant: said.tenant,
    client_id: said['client-id'],
    client_secret: secretIn(said['client-secret-file']),
    private_key: secretIn(said['private-key-file']),
    scopes: said.scope,
    hint: said.hint,
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

const redirectUri = (name: string): string => `${configuration().issuer}/upstream/${name}/callback`;

export const upstream: Command = {
  about: 'Identity providers and services that people sign in with and connect: add, list, remove, test',
  verbs: {
    add: {
      usage: 'upstream add (NAME --kind KIND --label LABEL … | --file FILE) [--json]',
      about: [
        'Add an upstream, or change one that was added. A running server knows it within a second or two.',
        '--kind oidc|google|entra|okta|github|key',
        '--issuer URL          for oidc and okta; for github the address of an Enterprise Server',
        '--tenant ID           for entra',
        '--client-id ID        --client-secret-file FILE | --private-key-file FILE   (- is standard input)',
        '--scope SCOPE         asked for at sign-in, once for each; what its kind needs unless told',
        '--hint TEXT           for key: where people find it',
        '--file FILE           all of it in YAML, as one entry under `upstreams:`',
      ].join('\n'),
      async run(args) {
        const { values, positionals: given } = parseArgs({ args, options, allowPositionals: true });
        const { file } = values;
        const entry = toAdd('NAME', { given, file }, (name) => entryOf(name, values));
        const [declaration] = checked({ upstreams: [entry] }, file).upstreams;
        if (!declaration) throw new UsageProblem('NAME is missing');
        const { name, kind } = declaration;
        await inRooms(async ({ keys, upstreams }, work) => {
          await keys.root(); // refuses a wrong CARDEA_KEY before anything is sealed with it
          await upstreams.add(work, declaration);
        });
        const redirect = kind === 'key' ? undefined : redirectUri(name);
        say(values.json, { name, kind, ...(redirect && { redirect_uri: redirect }) }, [
          `${name} is added.`,
          ...(redirect
            ? [
                `Register this redirect URI there, and no other: ${redirect}`,
                `Then see: cardea upstream test ${name}`,
              ]
            : []),
        ]);
      },
    },
    list: listing({
      usage: 'upstream list [--json]',
      about: 'Every upstream, without its secret.',
      all: ({ upstreams }) =>
        upstreams.list().map(({ origin, declaration, problem }) => {
          if (declaration.kind === 'key') return { ...declaration, origin };
          const { credential, ...shown } = declaration;
          const with_ = credential?.kind ?? 'none';
          return { ...shown, origin, credential: with_, ...(problem !== undefined && { problem }) };
        }),
      row: (each) => [
        each.name,
        each.kind,
        each.origin,
        'issuer' in each ? each.issuer : '',
        JSON.stringify(each.label),
        'problem' in each ? each.problem : '',
      ],
    }),
    remove: onOne('NAME', {
      usage: 'upstream remove NAME [--json]',
      about: 'Remove one that was added. Who is who there is remembered, should it be added again.',
      async run(name, asJson) {
        await inRooms(({ upstreams }, work) => upstreams.remove(work, name));
        say(asJson, { name, removed: true }, [
          `${name} is removed; nobody can sign in with it or connect it any more.`,
        ]);
      },
    }),
    test: onOne('NAME', {
      usage: 'upstream test NAME [--json]',
      about: 'Ask an upstream and say what works and what is wrong. Changes nothing, here or there.',
      async run(name, asJson) {
        const { upstreams: declared } = configuration();
        const { findings, kind } = await inRooms(async ({ upstreams }) => ({
          findings: await upstreams.test(name, { declared, redirectUri: redirectUri(name) }),
          kind: [...declared, ...upstreams.list().map(({ declaration }) => declaration)].find(
            (each) => each.name === name,
          )?.kind,
        }));
        const redirect = kind === 'key' ? undefined : redirectUri(name);
        const ok = findings.every((each) => each.ok);
        say(asJson, { name, ok, ...(redirect && { redirect_uri: redirect }), findings }, [
          ...findings.flatMap(({ ok, what, hint }) => [
            `${ok ? 'ok   ' : 'WRONG'}  ${what}`,
            ...(hint ? [`       ${hint}`] : []),
          ]),
          ...(redirect ? [`       Its redirect URI here is ${redirect}`] : []),
        ]);
        if (!ok)
          throw new Refusal(`${name} does not work as it is set up.`, { reason: 'upstream_test_failed' });
      },
    }),
  },
};
