// The applications that ask. Most register themselves; here are those that are added by hand, and the way to stop any.

import { parseArgs } from 'node:util';
import type { Rooms } from '../app.ts';
import { random } from '../crypto.ts';
import { clientEntry, clientOptions } from './client-options.ts';
import {
  type Command,
  configuration,
  inRooms,
  json,
  listing,
  onOne,
  positionals,
  say,
  type Verb,
  when,
} from './command.ts';
import { checked } from './declared.ts';

const able = (word: 'disable' | 'enable', about: string): Verb =>
  onOne('ID', {
    usage: `client ${word} ID [--json]`,
    about,
    async run(id, asJson) {
      await inRooms(({ clients }, work) => clients.setDisabled(work, id, word === 'disable'));
      say(asJson, { id, disabled: word === 'disable' }, [`${id} is ${word}d.`]);
    },
  });

async function* shown(clients: Rooms['clients']) {
  for await (const { secretDigest, ...rest } of clients.list())
    yield { ...rest, confidential: secretDigest !== null };
}

export const client: Command = {
  about: 'Applications that ask: add, list, remove, disable, enable',
  verbs: {
    add: {
      usage:
        'client add ID --name NAME [--redirect-uri URI …] [--uri PAGE] [--confidential | --jwks FILE | --jwks-uri URL] [--authentication METHOD] [--grant-type TYPE …] [--resource "URI SCOPE …" …] [--dpop-bound] [--json]',
      about:
        'Add an application. With --confidential it gets a secret, which is printed once. --resource says all that it may ever get; client_credentials needs that.',
      async run(args) {
        const { values, positionals: given } = parseArgs({
          args,
          options: { ...json, ...clientOptions },
          allowPositionals: true,
        });
        const [id = ''] = positionals(given, 'ID');
        const secret = values.confidential ? random() : undefined;
        const registration = { private_use_schemes: configuration().registration.privateUseSchemes };
        const [declaration] = checked({ registration, clients: [clientEntry(id, values, secret)] }).clients;
        if (declaration) await inRooms(async ({ clients }, work) => clients.add(work, declaration));
        const shown = { client_id: id, ...(secret && { client_secret: secret }) };
        const lines = secret ? ['Its secret, which is shown only now:', secret] : [];
        say(values.json, shown, [`${id} is added.`, ...lines]);
      },
    },
    list: listing({
      usage: 'client list [--json]',
      about:
        'Every application that is known by an id; those known by a web address are here only while they are disabled.',
      all: ({ clients }) => shown(clients),
      row: ({ id, name, origin, disabled, lastUsedAt }) => [
        id,
        JSON.stringify(name),
        origin,
        when(lastUsedAt),
        disabled ? 'disabled' : '',
      ],
    }),
    remove: onOne('ID', {
      usage: 'client remove ID [--json]',
      about: 'Forget an application that registered itself or was added.',
      async run(id, asJson) {
        await inRooms(({ clients }, work) => clients.remove(work, id));
        say(asJson, { id, removed: true }, [`${id} is removed.`]);
      },
    }),
    disable: able(
      'disable',
      'Refuse an application everywhere, at once; ID may be the address of its document.',
    ),
    enable: able('enable', 'Take that back.'),
  },
};
