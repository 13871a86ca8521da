// Every setting that is one value, with its default and its documentation. README's table is made from this.

import { z } from 'zod';
import { ceilings } from './ceilings.ts';
import { KNOWN_CLIENT_SCHEMES } from './redirect-uri.ts';
import {
  database,
  duration,
  hosts,
  issuer,
  key,
  keysOfBefore,
  listener,
  networks,
  port,
  schemes,
  yes,
} from './scalars.ts';

type Setting<T> = {
  /** The environment variable, for those that have one. */
  env?: string;
  /** May also be given as a file: `ENV_FILE`, or `name_file` in the YAML. Its value is never shown. */
  secret?: boolean;
  schema: z.ZodType<T>;
  /** In the form that an operator would write; undefined when there is none. */
  fallback: unknown;
  /** The default in words, where `fallback` does not say it. */
  otherwise?: string;
  about: string;
};

const setting = <T>(described: Setting<T>): Setting<T> => described;

/** By YAML path. */
export const settings = {
  issuer: setting({
    env: 'CARDEA_ISSUER',
    schema: issuer,
    fallback: undefined,
    otherwise: 'http://127.0.0.1:PORT',
    about:
      'The public address of this server, as clients compare it: https, no slash at the end. Every URL is built from it.',
  }),
  port: setting({ env: 'CARDEA_PORT', schema: port, fallback: 4000, about: 'The port to listen on.' }),
  host: setting({
    env: 'CARDEA_HOST',
    schema: z.string().regex(/^[0-9A-Za-z.:_-]+$/, 'is not an address or host name'),
    fallback: '127.0.0.1',
    about: 'The address to listen on.',
  }),
  database_url: setting({
    env: 'DATABASE_URL',
    secret: true,
    schema: database,
    fallback: undefined,
    otherwise: 'sqlite:DATA/cardea.db',
    about: '`sqlite:PATH`, or `postgres://…` for several processes on one database.',
  }),
  key: setting({
    env: 'CARDEA_KEY',
    secret: true,
    schema: key,
    fallback: undefined,
    otherwise: 'made on the first run',
    about:
      'The key that seals what is secret in the database: 32 bytes in base64url. Keep a copy of it apart from the database.',
  }),
  key_command: setting({
    env: 'CARDEA_KEY_COMMAND',
    schema: z.string().min(1).optional(),
    fallback: undefined,
    otherwise: 'none',
    about:
      'A command, run by the shell, that prints this key within 10 seconds: the way to a KMS. Instead of `key`.',
  }),
  key_previous: setting({
    env: 'CARDEA_KEY_PREVIOUS',
    secret: true,
    schema: keysOfBefore,
    fallback: [],
    about:
      'Keys of before, with commas between: they open what they sealed, until `cardea keys rewrap` is done.',
  }),
  data: setting({
    env: 'CARDEA_DATA',
    schema: z.string().min(1),
    fallback: './data',
    about: 'The directory for the embedded database and for what is made on the first run.',
  }),
  log_level: setting({
    env: 'CARDEA_LOG_LEVEL',
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    fallback: 'info',
    about: 'The least severe thing that is logged.',
  }),
  log_format: setting({
    env: 'CARDEA_LOG_FORMAT',
    schema: z.enum(['json', 'text']),
    fallback: 'json',
    about: '`json`, or `text` for a person at a terminal. Both go to standard error.',
  }),
  trusted_proxies: setting({
    env: 'CARDEA_TRUSTED_PROXIES',
    schema: networks,
    fallback: [],
    about: 'Networks or addresses of your reverse proxies; only their X-Forwarded-For is believed.',
  }),
  metrics: setting({
    env: 'CARDEA_METRICS',
    schema: listener,
    fallback: undefined,
    otherwise: 'off',
    about: 'host:port of a second listener that serves /metrics for Prometheus.',
  }),
  'registration.dynamic': setting({
    schema: yes,
    fallback: true,
    about: 'Let clients register themselves (RFC 7591).',
  }),
  'registration.client_id_documents': setting({
    schema: yes,
    fallback: true,
    about: 'Accept clients whose id is the https address of their metadata document.',
  }),
  'registration.document_hosts': setting({
    schema: hosts,
    fallback: [],
    otherwise: 'every host',
    about:
      'Only metadata documents of these hosts are accepted: `app.example`, or `*.app.example` for all below it.',
  }),
  'registration.document_hosts_denied': setting({
    schema: hosts,
    fallback: [],
    otherwise: 'none',
    about: 'Metadata documents of these hosts are never accepted, written in the same way.',
  }),
  'registration.device_code': setting({
    schema: yes,
    fallback: false,
    about:
      'Let clients that registered themselves, or are known by a document, use the device flow (RFC 8628), in which a person cannot see where their answer goes.',
  }),
  'registration.private_use_schemes': setting({
    schema: schemes,
    fallback: KNOWN_CLIENT_SCHEMES,
    about:
      'Schemes of redirect URIs such as cursor: that clients may register. Reversed domain names (com.example.app:) always may.',
  }),
  'lifetimes.authorization_code': setting({
    schema: duration('5s', '10m'),
    fallback: '60s',
    about: 'How long a client has to redeem a code.',
  }),
  'lifetimes.interaction': setting({
    schema: duration('1m', '24h'),
    fallback: '1h',
    about: 'How long a person has to sign in and decide.',
  }),
  'lifetimes.session_idle': setting({
    schema: duration('5m', '90d'),
    fallback: '24h',
    about: 'A sign-in ends after this long without use.',
  }),
  'lifetimes.session_absolute': setting({
    schema: duration('5m', '365d'),
    fallback: '7d',
    about: 'A sign-in ends after this long, used or not. Connections outlive it.',
  }),
  'lifetimes.access_token': setting({
    schema: duration('30s', '24h'),
    fallback: '10m',
    about:
      'How long an access token lives, where the resource does not say. Some clients refresh five minutes early.',
  }),
  'lifetimes.refresh_idle': setting({
    schema: duration('10m', '3650d'),
    fallback: '60d',
    about: 'A client that does not come back for this long must ask the person again.',
  }),
  'lifetimes.refresh_grace': setting({
    schema: duration('0s', '10m'),
    fallback: '120s',
    about:
      'How long a refresh token that was already used may be tried again by the same client, as races make it do.',
  }),
  'lifetimes.grant': setting({
    schema: duration('10m', '3650d'),
    fallback: '365d',
    about: 'A connection ends after this long, and the person is asked again.',
  }),
  'lifetimes.audit': setting({
    schema: duration('1d', '3650d'),
    fallback: '90d',
    about: 'How long the audit trail is kept.',
  }),
  'lifetimes.unused_client': setting({
    schema: duration('1d', '3650d'),
    fallback: '30d',
    about:
      'What a client registered of itself is forgotten after this long, where it took up room and nobody ever let the client in; a used one never is.',
  }),
  'keys.rotate_every': setting({
    schema: duration('1h', '3650d'),
    fallback: '90d',
    about: 'How long a key signs tokens before the next one does.',
  }),
  'keys.publish_before': setting({
    schema: duration('10m', '365d'),
    fallback: '1d',
    about:
      'How long the next key is published before it signs; resource servers may keep JWKS for 5 minutes.',
  }),
  'limits.sign_ins': setting({
    schema: z.number().int().min(0),
    fallback: 30,
    about:
      'Wrong passwords in 5 minutes, from one network address or for one name, before either has to wait; also wrong secrets of one client from one network, and a hundred times as many never-issued tokens at introspection by one MCP server. 0 is no limit.',
  }),
  'limits.registrations': setting({
    schema: z.number().int().min(0),
    fallback: 600,
    about:
      'Registrations in an hour from one network address, of kinds of client that nobody has let in yet; of others ten times as many. 0 is no limit.',
  }),
  'limits.unproven_registrations': setting({
    schema: z.number().int().min(0),
    fallback: 5000,
    about:
      'Registrations in an hour, from everywhere together, of kinds of client that nobody has let in yet; 0 is no limit. All installations of one product are one kind, and the same registration again does not count.',
  }),
  'limits.authorizations': setting({
    schema: z.number().int().min(0),
    fallback: 600,
    about:
      'Authorization requests in 5 minutes that one network address may leave unanswered, with those that clients without proof of themselves push; each is kept until it has run out. 0 is no limit.',
  }),
  'policy.default_resource': setting({
    schema: z.string().optional(),
    fallback: undefined,
    otherwise: 'the only resource, if there is just one',
    about: 'The resource that is meant when a client names none.',
  }),
  'policy.local_passwords': setting({
    schema: yes,
    fallback: true,
    about: 'Let people sign in with a password of this server. `false` leaves the upstreams alone.',
  }),
  'policy.ceilings': setting({
    schema: ceilings,
    fallback: [],
    about:
      'What people may be allowed at most: a list of `resource`, `upstream`, `groups`, `scopes`, `tools`. A resource that a rule names is closed to whom none of its rules fits.',
  }),
  'policy.dpop_nonce': setting({
    schema: yes,
    fallback: false,
    about:
      'Demand a nonce of this server in every DPoP proof: one more round trip, and no proof can be made beforehand.',
  }),
};

export type SettingName = keyof typeof settings;
export type Values = { [K in SettingName]: (typeof settings)[K] extends Setting<infer T> ? T : never };
export const settingNames = Object.keys(settings) as SettingName[];
