// Introspection answers as a JWT (RFC 9701), for a server that must be able to show later what it was told.

import type { Context } from 'koa';
import { type Clock, seconds } from '../../clock.ts';
import type { SigningAlgorithm } from '../../config.ts';
import type { SigningKey } from '../../domain/keys.ts';
import type { TokenCall } from './call.ts';
import { signedJwt } from './jws.ts';

const TYPE = 'application/token-introspection+jwt';

export function signedAnswers({
  issuer,
  signingKey,
  clock,
}: {
  issuer: string;
  signingKey: (algorithm: SigningAlgorithm) => SigningKey;
  clock: Clock;
}) {
  /** The answer as the server asked for it (RFC 9701 §4): as it is, or signed with its resource's algorithm. */
  return function written(ctx: Context, { caller }: TokenCall, answer: unknown): unknown {
    if (caller.kind !== 'server' || ctx.accepts('application/json', TYPE) !== TYPE) return answer;
    ctx.type = TYPE;
    // RFC 9701 §5: no `sub` and no `exp` beside it, so that nothing takes it for an access token (§8.1); and `aud` is
    // the server's own id, which no access token is for.
    return signedJwt(signingKey(caller.resource.algorithm), 'token-introspection+jwt', {
      iss: issuer,
      aud: caller.id,
      iat: seconds(clock()),
      token_introspection: answer,
    });
  };
}
