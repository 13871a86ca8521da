// Introspection answers as a JWT (RFC 9701), for a server that must be able to show later what it was told.

import { type Clock, seconds } from '../../clock.ts';
import type { SigningAlgorithm } from '../../config.ts';
import type { SigningKey } from '../../domain/keys.ts';
import type { HttpCall } from '../http-call.ts';
import type { TokenCall } from './call.ts';
import { signedJwt } from './jws.ts';

const TYPE = 'application/token-introspection+jwt';

/** Whether the signed form is named, and wanted more than JSON is, or as much and first (RFC 9110 §12.5.1). */
function wantsSigned(accept = ''): boolean {
  if (!accept.toLowerCase().includes(TYPE)) return false; // hardly anybody does
  const ranges = accept.split(',').map((each, place) => {
    const [range = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((part) => part.startsWith('q='));
    return { range, place, weight: weight === undefined ? 1 : Number(weight.slice(2)) };
  });
  const of = (...names: string[]) =>
    names.flatMap((name) => ranges.find((each) => each.range === name) ?? []);
  const [signed] = of(TYPE);
  const [json] = of('application/json', 'application/*', '*/*'); // the most specific one counts
  if (!signed || !(signed.weight > 0)) return false;
  if (!json || signed.weight > json.weight) return true;
  const asMuch = signed.weight === json.weight;
  return asMuch && (json.range !== 'application/json' || signed.place < json.place);
}

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
  return function written(ctx: HttpCall, { caller }: TokenCall, answer: unknown): unknown {
    if (caller.kind !== 'server' || !wantsSigned(ctx.req.headers.accept)) return answer;
    ctx.set('Content-Type', TYPE);
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
