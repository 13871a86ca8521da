// A JWT access token (RFC 9068): is it the issuer's, for this resource alone, and valid now?
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Settings } from './options.ts';
import { badToken, Refused } from './refusal.ts';

/** The claims of a good token. Throws Refused with the first thing that is wrong. */
export async function verifyJwt(
  token: string,
  keys: JWTVerifyGetKey,
  settings: Settings,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      // RFC 9068 §4: typ, iss, aud, signature and exp are all to be checked, and "none" refused.
      typ: 'at+jwt',
      algorithms: settings.algorithms,
      issuer: settings.issuer,
      audience: settings.resource,
      clockTolerance: settings.clockTolerance,
      currentDate: new Date(settings.now()),
      requiredClaims: ['exp', 'iat', 'sub', 'client_id'],
    });
    // A token that opens another server too could be replayed here by that server.
    if (Array.isArray(payload.aud) && payload.aud.length !== 1) {
      throw badToken('wrong_audience', 'The access token is for several resources', `aud ${payload.aud}`);
    }
    return payload;
  } catch (cause) {
    throw cause instanceof Refused ? cause : refusal(cause, settings);
  }
}

function refusal(cause: unknown, { issuer, resource }: Settings): Refused {
  if (cause instanceof errors.JWTExpired)
    return badToken('expired', 'The access token has expired', undefined, cause);
  if (cause instanceof errors.JWTClaimValidationFailed) {
    if (cause.claim === 'aud') {
      const detail = `aud ${JSON.stringify(cause.payload.aud)}, this resource is ${JSON.stringify(resource)}`;
      return badToken('wrong_audience', 'The access token is for another resource', detail, cause);
    }
    if (cause.claim === 'iss') {
      const detail = `iss ${JSON.stringify(cause.payload.iss)}, trusted is ${JSON.stringify(issuer)}`;
      return badToken('wrong_issuer', 'The access token is from another issuer', detail, cause);
    }
    if (cause.claim === 'nbf')
      return badToken('not_yet_valid', 'The access token is not valid yet', undefined, cause);
    if (cause.claim === 'typ') {
      return badToken('wrong_type', 'This is not an access token', 'typ is not at+jwt', cause);
    }
    return badToken('bad_claim', `The access token has no usable "${cause.claim}"`, cause.message, cause);
  }
  if (cause instanceof errors.JWSSignatureVerificationFailed) {
    return badToken('bad_signature', 'The access token is not signed by its issuer', undefined, cause);
  }
  if (cause instanceof errors.JOSEAlgNotAllowed) {
    return badToken(
      'bad_algorithm',
      'The access token is signed with an algorithm that is not accepted',
      undefined,
      cause,
    );
  }
  return badToken('not_a_token', 'The access token cannot be read', String(cause), cause);
}
