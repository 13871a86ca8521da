// A client said in options, as the configuration file would say it.

import { keySetIn } from './declared.ts';

const many = { type: 'string', multiple: true, default: [] as string[] } as const;

export const clientOptions = {
  name: { type: 'string' },
  'redirect-uri': many,
  uri: { type: 'string' },
  confidential: { type: 'boolean', default: false },
  authentication: { type: 'string' },
  jwks: { type: 'string' },
  'jwks-uri': { type: 'string' },
  'grant-type': many,
  resource: many,
  'dpop-bound': { type: 'boolean' },
} as const;

export type ClientOptions = {
  name?: string | undefined;
  'redirect-uri': string[];
  uri?: string | undefined;
  authentication?: string | undefined;
  jwks?: string | undefined;
  'jwks-uri'?: string | undefined;
  'grant-type': string[];
  resource: string[];
  'dpop-bound'?: boolean | undefined;
};

/** What each member means is checked where the file's entries are. */
export function clientEntry(id: string, given: ClientOptions, secret: string | undefined) {
  const resources = given.resource.map((text) => {
    const [uri, ...scopes] = text.split(/\s+/).filter(Boolean);
    return { uri, scopes };
  });
  const entry = {
    id,
    name: given.name,
    uri: given.uri,
    secret,
    authentication: given.authentication,
    jwks: given.jwks === undefined ? undefined : keySetIn(given.jwks),
    jwks_uri: given['jwks-uri'],
    dpop_bound: given['dpop-bound'],
    ...(given['redirect-uri'].length > 0 && { redirect_uris: given['redirect-uri'] }),
    ...(given['grant-type'].length > 0 && { grant_types: given['grant-type'] }),
    ...(resources.length > 0 && { resources }),
  };
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined));
}
