// Client identifiers that say what they stand for: the registration itself, compressed, under a MAC. Nothing has to be
// stored for them, and they survive the loss of the database, because their keys come from the key-encryption key.
// What the words mean is not known here; domain/clients calls it.

import { createSecretKey, type KeyObject } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { digest, type KeyRing, mac, type SealingKey, sameSecret, subkey } from '../../crypto.ts';

/**
 * Whose registration it is. A number: everybody's who registers the same (how often it was removed before).
 * Otherwise one registrant's alone: a random value, and when it was made, in ms since the epoch.
 */
export type Owner = number | { nonce: string; at: number };

export type Description = { metadata: Record<string, unknown>; owner: Owner };

/** What an identifier's secrets are derived by; `management` is the registration access token (RFC 7592 §1.2). */
export type Identified = Description & { id: string; secret: string; management: string };

/** `fits`: it says all of itself. Otherwise somebody has to keep what it stands for. */
export type Issued = Identified & { fits: boolean };

// Ids travel in query strings, Basic headers and cookies; a browser's address with a longer one still fits everywhere.
const LONGEST = 640;
const LARGEST = 16_384;
const MAC_LENGTH = 22; // 128 bits in base64url: nobody makes an id that was not given out

// What most registrations have in common, likeliest last (RFC 1951 has no dictionary; zlib's raw streams do).
// Part of the format: another dictionary is another prefix.
const DICTIONARY = Buffer.from(
  '"software_version":"software_id":"contacts":["tos_uri":"https://policy_uri":"https://logo_uri":"https://' +
    'localhost:/oauth/callback","http://127.0.0.1:/callback"],client_secret_basicclient_secret_postprivate_key_jwt' +
    '"native""web"[{"redirect_uris":["https://www.","http://localhost","application_type":"native","grant_types":' +
    '["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none",' +
    '"client_name":"MCP ","client_uri":"https://github.com/modelcontextprotocol/',
);
const DEFLATE = { level: 9, windowBits: 12, memLevel: 5, dictionary: DICTIONARY };

type Keys = { ids: KeyObject; secrets: KeyObject; management: KeyObject };

const keysOf = ({ bytes }: SealingKey): Keys => {
  const one = (purpose: string): KeyObject => createSecretKey(subkey(bytes, purpose));
  return { ids: one('client ids'), secrets: one('client secrets'), management: one('client management') };
};

const short = (key: KeyObject, kind: string, text: string): string =>
  mac(key, `${kind}\0${text}`).slice(0, MAC_LENGTH);

export function identifiers(ring: KeyRing) {
  const current = keysOf(ring.current);
  // Ids of a key that is being replaced stay good while it is named (CARDEA_KEY_PREVIOUS).
  const all = [current, ...ring.previous.map(keysOf)];

  const identified = (id: string, description: Description, keys: Keys): Identified => ({
    ...description,
    id,
    // Most clients have neither. Two registrants never have one secret: an id with a secret has a random owner.
    get secret() {
      return mac(keys.secrets, id);
    },
    get management() {
      return mac(keys.management, id);
    },
  });

  return {
    /**
     * The identifier of `metadata` for `owner`: the same for the same, as long as the key is. (The compressor decides
     * the letters: another version of it may choose others, and then both mean the same.)
     */
    issue(description: Description): Issued {
      const text = JSON.stringify([description.metadata, description.owner]);
      const body = deflateRawSync(text, DEFLATE).toString('base64url');
      const said = `c1_${short(current.ids, 'c1', body)}${body}`;
      const fits = said.length <= LONGEST && text.length <= LARGEST;
      const id = fits ? said : `c0_${short(current.ids, 'c0', text)}`;
      return { ...identified(id, description, current), fits };
    },

    /** What `id` says; undefined when it says nothing, or when not every bit of it is ours. */
    read(id: string): Identified | undefined {
      if (!id.startsWith('c1_') || id.length > LONGEST) return undefined;
      const [proof, body] = [id.slice(3, 3 + MAC_LENGTH), id.slice(3 + MAC_LENGTH)];
      const keys = all.find((each) => sameSecret(short(each.ids, 'c1', body), proof));
      if (!keys) return undefined;
      const limits = { dictionary: DICTIONARY, maxOutputLength: LARGEST * 4 };
      const text = inflateRawSync(Buffer.from(body, 'base64url'), limits).toString();
      const [metadata, owner] = JSON.parse(text) as [Description['metadata'], Owner];
      return identified(id, { metadata, owner }, keys);
    },
  };
}

export type Identifiers = ReturnType<typeof identifiers>;

/** The form in which a registration access token is kept. */
export const managementDigest = (token: string): string => digest('registration access token', token);
