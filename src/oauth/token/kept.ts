// What is kept of a code, a refresh token and an opaque access token: under its digest, and never the value itself.
// The engine writes codes, and this is what it writes; the tokens are ours.

import type { ArtifactRow, Artifacts, HeldRow } from '../adapter.ts';
import { artifactKey } from '../refresh-tokens.ts';

/** What a code and every refresh token after it carry on: who, for whom, and what was asked for. */
export type Held = {
  accountId: string;
  clientId: string;
  /** The family. */
  grantId: string;
  /** Every scope that was asked for and is known; what the grant allows of it is asked anew each time. */
  scope?: string;
  /** RFC 8707: one or several; a token is for one of them. */
  resource?: string | string[];
  nonce?: string;
  /** When the person signed in, in seconds since the epoch. */
  authTime?: number;
  /** How its client had to prove itself when this was made; nothing for one that does not. */
  method?: string;
};

export type HeldCode = Held & {
  redirectUri: string;
  codeChallenge: string;
  dpopJkt?: string;
  /** The browser session in which it was given; its cookie is another value. */
  sessionUid?: string;
};

/** The n-th of its family; the first is 0. `jkt`: the key that it is bound to (RFC 9449 §5). */
export type HeldRefreshToken = Held & { rotations?: number; jkt?: string };

/** An opaque access token. */
export type HeldAccessToken = {
  accountId: string;
  clientId: string;
  aud: string;
  scope: string;
  /** Seconds since the epoch. */
  iat: number;
  exp: number;
  jkt?: string;
};

export type Model = 'AuthorizationCode' | 'RefreshToken' | 'AccessToken';

/** `behind` is what it hangs from, alive or not; `inSession` as long as the browser session lasts that it came from. */
export type Found<Payload> = HeldRow & { held: Payload; expired: boolean };

/** What is kept under a value; undefined for one that was never given out as this. */
export async function findHeld<Payload>(
  store: Artifacts,
  model: Model,
  value: string,
  now: number,
): Promise<Found<Payload> | undefined> {
  const found = await store.held(artifactKey(model, value));
  if (!found || found.row.model !== model) return undefined;
  const { expiresAt, payload } = found.row;
  const expired = expiresAt !== null && expiresAt <= now;
  return { ...found, held: JSON.parse(payload) as Payload, expired };
}

/** The row of a new one; `expiresAt` in ms since the epoch. */
export const heldRow = (
  model: Model,
  value: string,
  payload: HeldRefreshToken | HeldAccessToken,
  { familyId, expiresAt }: { familyId: string | null; expiresAt: number },
): ArtifactRow => ({
  key: artifactKey(model, value),
  model,
  payload: JSON.stringify(payload),
  familyId,
  uid: null,
  expiresAt,
  consumedAt: null,
});

export const words = (text: string | undefined): string[] => (text ?? '').split(' ').filter(Boolean);
