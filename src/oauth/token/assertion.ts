// private_key_jwt (RFC 7521, RFC 7523 and its update, RFC 7523bis): a client signs who it is, for this server, once.

import { decodeJwt, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import { type Clock, seconds } from '../../clock.ts';
import { Refusal } from '../../errors.ts';
import type { Artifacts } from '../adapter.ts';
import { useUp } from '../replay.ts';
import type { OAuthRequest } from '../request.ts';
import type { ClientKeys } from './client-keys.ts';
import type { AssertionKeys } from './known.ts';

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Asymmetric ones only: with HS256 a client's public key would be a secret that everybody knows. */
export const ASSERTION_ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA'];

// Seconds. A clock may be a little off; an assertion that is good for a day is a password.
const SKEW = 60;
const LONGEST_LIFE = 3600;
const LONGEST_JTI = 512;

const refused = (message: string, cause?: unknown): Refusal =>
  new Refusal(message, { reason: 'assertion_refused', status: 401, oauth: 'invalid_client', cause });

const replayed = (): Refusal =>
  new Refusal('This assertion has been used before.', {
    reason: 'assertion_replayed',
    status: 401,
    oauth: 'invalid_client',
    hint: 'Make a new assertion, with a jti of its own, for every request.',
  });

/** Who an assertion says it is from, before anything of it is believed. Throws a Refusal when it is no JWT. */
export function subjectOf(assertion: string): string {
  let subject: unknown;
  try {
    subject = decodeJwt(assertion).sub;
  } catch (cause) {
    throw new Refusal('client_assertion is not a JWT.', { reason: 'assertion_malformed', cause });
  }
  if (typeof subject !== 'string' || subject === '') throw refused('The assertion has no sub.');
  return subject;
}

export function assertions({
  issuer,
  keysOf,
  store,
  clock,
}: {
  issuer: string;
  keysOf: ClientKeys;
  store: Artifacts;
  clock: Clock;
}) {
  function checkHeader(assertion: string): void {
    const { jwk, jku, x5u, typ } = decodeProtectedHeader(assertion);
    if (jwk !== undefined || jku !== undefined || x5u !== undefined) {
      throw refused('The assertion brings its own key; only registered keys count.');
    }
    // RFC 8725 §3.11: no token of another kind, signed with the same key, is an assertion.
    if (typ !== undefined && !/^(application\/)?(jwt|client-authentication\+jwt)$/i.test(typ)) {
      throw refused('The assertion is a JWT of another type.');
    }
  }

  function checkClaims(clientId: string, { iss, sub, aud, exp = 0, iat, jti }: JWTPayload): void {
    const now = seconds(clock());
    if (iss !== clientId || sub !== clientId)
      throw refused('iss and sub of the assertion must be client_id.');
    // RFC 7523bis §4: the issuer identifier as the sole audience, so that no assertion made for another server counts.
    if (aud !== issuer && aud !== `${issuer}/`) {
      throw refused(`aud of the assertion must be ${issuer}, and nothing else.`);
    }
    if (exp > now + LONGEST_LIFE + SKEW)
      throw refused('The assertion is good for too long; an hour at most.');
    if (iat !== undefined && iat > now + SKEW) throw refused('The assertion was made in the future.');
    if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_JTI) {
      throw refused(`The assertion needs a jti of at most ${LONGEST_JTI} characters.`);
    }
  }

  /** Throws a Refusal invalid_client unless `clientId` signed this, for us, now, and it was never used. */
  return async function verify(
    request: OAuthRequest,
    clientId: string,
    assertion: string,
    keys: AssertionKeys,
  ): Promise<void> {
    let payload: JWTPayload;
    try {
      checkHeader(assertion);
      const algorithms = keys.algorithm === undefined ? ASSERTION_ALGORITHMS : [keys.algorithm];
      ({ payload } = await jwtVerify(assertion, keysOf(keys), {
        algorithms: algorithms.filter((each) => ASSERTION_ALGORITHMS.includes(each)),
        requiredClaims: ['iss', 'sub', 'aud', 'exp', 'jti'],
        clockTolerance: SKEW,
        currentDate: new Date(clock()),
      }));
    } catch (cause) {
      if (cause instanceof Refusal) throw cause;
      throw refused('The assertion could not be verified: its signature, its algorithm or its dates.', cause);
    }
    checkClaims(clientId, payload);
    const { exp = 0, jti = '' } = payload;
    // RFC 7523 §3: used once, however many processes see it at once, and also where the request is refused after all.
    useUp(store, request.work, {
      name: `${clientId}\0${jti}`,
      expiresAt: (exp + SKEW + 1) * 1000,
      used: replayed,
    });
  };
}

export type VerifyAssertion = ReturnType<typeof assertions>;
