// The MCP servers that tokens are made for, beside those that the configuration declares.

import { parseArgs } from 'node:util';
import { random } from '../crypto.ts';
import { type Command, configuration, inRooms, json, listing, onOne, say, UsageProblem } from './command.ts';
import { checked, toAdd } from './declared.ts';
import { resourceFrom, resourceOptions, type ServerEntry, serverFrom } from './resource-options.ts';

export const resource: Command = {
  about: 'MCP servers that tokens are made for: add, list, remove',
  verbs: {
    add: {
      usage: 'resource add (URI --name NAME --scope … | --file FILE) [options] [--json]',
      about: [
        'Add an MCP server, or change one that was added. A running server knows it within a second or two.',
        "--scope 'name=description'                            once for each scope",
        "--tool 'scope/tool=description[:read|write|destroy]'  once for each tool; write unless told",
        '--default SCOPE       granted when a client names no scope',
        '--server-id ID        what the MCP server introspects as; its secret is made and printed, once',
        '--jwks FILE | --jwks-uri URL   instead of a secret, its public keys (private_key_jwt)',
        '--format jwt|opaque   --algorithm ES256|RS256|EdDSA   --lifetime 10m',
        '--file FILE           all of it in YAML, as one entry under `resources:`',
      ].join('\n'),
      async run(args) {
        const options = { ...json, ...resourceOptions, file: { type: 'string' } } as const;
        const { values, positionals: given } = parseArgs({ args, options, allowPositionals: true });
        const { file } = values;
        const said = toAdd('URI', { given, file }, (uri) => resourceFrom(uri, values));
        const server = serverFrom(values) ?? (said['server'] as ServerEntry | undefined);
        const made =
          server && !server.secret && !server.secret_file && !server.jwks && !server.jwks_uri
            ? random()
            : undefined;
        const entry = { ...said, ...(server && { server: { ...server, ...(made && { secret: made }) } }) };
        const lifetimes = { access_token: configuration().lifetimes.accessToken };
        const [declaration] = checked({ lifetimes, resources: [entry] }, file).resources;
        if (!declaration) throw new UsageProblem('URI is missing');
        await inRooms(async ({ keys, resources }, work) => {
          await keys.root(); // refuses a wrong CARDEA_KEY before anything is sealed with it
          await keys.ensure([declaration.algorithm]); // before anybody asks for a token that it must sign
          await resources.add(work, declaration);
        });
        const { uri } = declaration;
        const shown = { uri, ...(server && { server: { id: server.id, ...(made && { secret: made }) } }) };
        say(values.json, shown, [
          `${uri} is added.`,
          ...(made
            ? [`It introspects as ${server?.id} with this secret, which is shown only now:`, made]
            : []),
        ]);
      },
    },
    list: listing({
      usage: 'resource list [--json]',
      about: 'Every MCP server that tokens can be made for, as the running server knows them.',
      all: ({ resources }) =>
        resources
          .all()
          .map(({ server, ...shown }) => ({ ...shown, ...(server && { server: { id: server.id } }) })),
      row: ({ uri, name, origin, scopes }) => [
        uri,
        name,
        origin,
        scopes.map((scope) => scope.name).join(' '),
      ],
    }),
    remove: onOne('URI', {
      usage: 'resource remove URI [--json]',
      about: 'Remove one that was added, and end every connection to it.',
      async run(uri, asJson) {
        await inRooms(({ resources }, work) => resources.remove(work, uri));
        say(asJson, { uri, removed: true }, [`${uri} is removed, and every connection to it is ended.`]);
      },
    }),
  },
};
