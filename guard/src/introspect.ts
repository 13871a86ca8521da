// Asking the authorization server whether a token is good at this moment (RFC 7662). Every doubt is a refusal.
import { asServer, type Credentials } from './as-server.ts';
import type { IssuerMetadata } from './issuer.ts';
import type { Settings } from './options.ts';
import { badToken, Refused, unavailable } from './refusal.ts';

type Claims = Record<string, unknown>;

/** A function from a token to the claims of the live answer. Throws Refused: 401 when not active, 503 when unanswered. */
export function introspection(settings: Settings, metadata: () => Promise<IssuerMetadata>) {
  const { introspection: client, fetch, resource, issuer, now, clockTolerance } = settings;
  return async (token: string): Promise<Claims> => {
    if (!client)
      throw badToken(
        'opaque_token',
        'The access token cannot be read',
        'an opaque token needs introspection',
      );
    const { introspectionEndpoint } = await metadata();
    if (!introspectionEndpoint)
      throw unavailable('no_introspection', 'the issuer has no introspection_endpoint');
    const answer = await ask(introspectionEndpoint, token, client, fetch);
    // RFC 7662 §2.2: `active` is the decision; nothing else is said of a token that is not.
    if (answer.active !== true)
      throw badToken('not_active', 'The access token has been revoked or has expired');
    const audience = Array.isArray(answer.aud) && answer.aud.length === 1 ? answer.aud[0] : answer.aud;
    if (audience !== resource) {
      const detail = `aud ${JSON.stringify(answer.aud)}, this resource is ${JSON.stringify(resource)}`;
      throw badToken('wrong_audience', 'The access token is for another resource', detail);
    }
    if (answer.iss !== undefined && answer.iss !== issuer) {
      throw badToken(
        'wrong_issuer',
        'The access token is from another issuer',
        `iss ${JSON.stringify(answer.iss)}`,
      );
    }
    if (typeof answer.exp !== 'number' || answer.exp + clockTolerance <= now() / 1000) {
      throw badToken('expired', 'The access token has expired');
    }
    return answer;
  };
}

async function ask(endpoint: URL, token: string, client: Credentials, send: typeof fetch) {
  try {
    const fields = { token, token_type_hint: 'access_token' };
    const response = await asServer(send, client, endpoint, { fields, patience: 5_000 });
    if (response.status !== 200) {
      await response.body?.cancel();
      const hint = response.status === 401 ? ": this server's id or secret is wrong" : '';
      throw unavailable('introspection_refused', `${endpoint} answered ${response.status}${hint}`);
    }
    const answer: unknown = await response.json();
    if (typeof answer !== 'object' || answer === null) throw new TypeError('the answer is not an object');
    return answer as Claims;
  } catch (cause) {
    throw cause instanceof Refused
      ? cause
      : unavailable('introspection_unreachable', `${endpoint}: ${cause}`, cause);
  }
}
