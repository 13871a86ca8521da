// What a real client sends, as data: how it makes itself known, and its habits at each step. Nothing here runs.

/** The tools' server, at a path; and one whose identifier is a bare origin, which clients like to end with a slash. */
export const LIBRARY = 'http://127.0.0.1:4100/mcp';
export const ORIGIN = 'https://tools.example';

export type Profile = {
  /** Its name, and the version that this was read from where that is known. */
  client: string;
  /** It publishes a document there, or registers itself; the same members either way. */
  knownBy: { document: string } | { registration: true };
  metadata: Record<string, unknown>;
  /** What is behind the document's `jwks_uri`, when it proves itself with a key. */
  keys?: 'RS256' | 'ES256';
  /** At the authorization endpoint: not always what was registered. */
  redirectUri: string;
  scope?: string;
  /** `undefined` sends none. */
  resource: string | undefined;
  prompt?: string;
  state: string;
  /** Members of the code's redemption that others have and it leaves out, or the reverse. */
  redeems?: { resource?: false };
  /** What it repeats when it refreshes. */
  refreshes?: { scope?: true; resource?: true };
  /** What it must end up with. */
  expects: { scope: string; audience?: string; idToken?: true };
};

export const CODE = ['authorization_code', 'refresh_token'];
export const ALL = 'library:read library:write';
