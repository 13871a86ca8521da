// What can go wrong with an upstream, as Refusals. The sentence is for the person and names nothing that the upstream
// wrote; what exactly was wrong stands in the cause, without a token, code or address in it.

import {
  AuthorizationResponseError,
  OperationProcessingError,
  ResponseBodyError,
  UnsupportedOperationError,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi';
import { Refusal } from '../../errors.ts';

/** What an upstream is called on our pages. */
export type Named = { name: string; label: string };

/** Codes of RFC 6749 and OpenID Connect; anything else that is sent as one is not repeated. */
const CODES = /^[a-z_]{1,64}$/;
const code = (text: unknown): string =>
  typeof text === 'string' && CODES.test(text) ? text : 'an odd error code';

export const denied = ({ label }: Named, why: string): Refusal =>
  new Refusal(`${label} did not let you in, or you decided not to go on there.`, {
    reason: 'upstream_denied',
    status: 403,
    oauth: 'access_denied',
    hint: 'Go back and try again, or sign in another way.',
    cause: new Error(why),
  });

export const mixedUp = ({ label }: Named, why: string): Refusal =>
  new Refusal(`This answer does not belong to the sign-in with ${label} that began here.`, {
    reason: 'upstream_mixed_up',
    hint: 'Go back to the application and start again.',
    cause: new Error(why),
  });

export const codeRefused = ({ label }: Named, why: string): Refusal =>
  new Refusal(`${label} did not accept the sign-in code any more: it was used already, or is too old.`, {
    reason: 'upstream_code_refused',
    hint: 'Start again, and do not use the back button on the way.',
    cause: new Error(why),
  });

export const unavailable = ({ label }: Named, why: string): Refusal =>
  new Refusal(`${label} cannot be reached at the moment.`, {
    reason: 'upstream_unavailable',
    status: 503,
    oauth: 'temporarily_unavailable',
    hint: 'Try again in a minute. Connections that exist go on working.',
    cause: new Error(why),
  });

export const misbehaved = ({ label }: Named, why: string): Refusal =>
  new Refusal(`${label} gave an answer that cannot be relied on.`, {
    reason: 'upstream_misbehaved',
    status: 502,
    oauth: 'server_error',
    hint: 'Nothing was stored. If it happens again, tell the administrator.',
    cause: new Error(why),
  });

export const misconfigured = ({ name, label }: Named, why: string): Refusal =>
  new Refusal(`${label} does not accept this server: its registration there is not as it should be.`, {
    reason: 'upstream_misconfigured',
    status: 503,
    oauth: 'server_error',
    hint: `An administrator can see what is wrong with: cardea upstream test ${name}`,
    cause: new Error(why),
  });

export const revoked = ({ label }: Named, why: string): Refusal =>
  new Refusal(`The connection to ${label} has been ended there.`, {
    reason: 'upstream_revoked',
    oauth: 'invalid_grant',
    hint: `Connect ${label} again.`,
    cause: new Error(why),
  });

/** RFC 6749 §4.1.2.1 and OpenID Connect Core §3.1.2.6: what came back to us in place of a code. */
export function refusedAtAuthorization(named: Named, error: unknown): Refusal {
  const why = `the authorization endpoint answered ${code(error)}`;
  const said = String(error);
  if (['server_error', 'temporarily_unavailable'].includes(said)) return unavailable(named, why);
  if (['invalid_request', 'unauthorized_client', 'unsupported_response_type', 'invalid_scope'].includes(said))
    return misconfigured(named, why);
  return denied(named, why);
}

/** RFC 6749 §5.2. `presented` is what invalid_grant is about. */
export function refusedAtToken(named: Named, error: unknown, presented: 'code' | 'refresh_token'): Refusal {
  const why = `the token endpoint answered ${code(error)}`;
  if (error === 'invalid_grant') return (presented === 'code' ? codeRefused : revoked)(named, why);
  if (['temporarily_unavailable', 'server_error', 'slow_down'].includes(String(error)))
    return unavailable(named, why);
  // Also invalid_scope and unauthorized_client: no other request would fare better.
  return misconfigured(named, why);
}

/** Whatever was thrown on the way, as a Refusal; what is none of the upstream's doing is thrown again. */
export function trouble(named: Named, error: unknown, presented: 'code' | 'refresh_token' = 'code'): Refusal {
  if (error instanceof Refusal) {
    if (error.reason !== 'outbound_failed') return error;
    return unavailable(named, (error.cause as Error | undefined)?.message ?? error.message);
  }
  if (error instanceof AuthorizationResponseError) return refusedAtAuthorization(named, error.error);
  if (error instanceof ResponseBodyError) {
    if (error.status === 429) return unavailable(named, 'it answered 429, too many requests');
    return refusedAtToken(named, error.error, presented);
  }
  // RFC 6749 §5.2: 401 with WWW-Authenticate where the client itself is not accepted.
  if (error instanceof WWWAuthenticateChallengeError)
    return misconfigured(named, `it answered ${error.status} and asks for credentials`);
  if (error instanceof OperationProcessingError) {
    const status = error.cause instanceof Response ? error.cause.status : 200;
    if (status === 429 || status >= 500) return unavailable(named, `it answered ${status}`);
    return misbehaved(named, status === 200 ? error.message : `it answered ${status}`);
  }
  if (error instanceof UnsupportedOperationError) return misbehaved(named, error.message);
  throw error;
}
