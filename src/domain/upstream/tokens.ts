// A token endpoint's answer (RFC 6749 §5.1) → tokens, with nothing believed that cannot be used.

import type { UpstreamTokens } from './connector.ts';
import { misbehaved, type Named } from './trouble.ts';

export type TokenAnswer = {
  access_token: string;
  token_type: string;
  expires_in?: number | undefined;
  refresh_token?: string | undefined;
  scope?: string | undefined;
};

// A token that says that it lives longer is asked for again after this; nobody keeps one so long.
const LONGEST_LIFE = 365 * 86_400;

/** RFC 6750 §2.1 sends it in a header: visible ASCII. */
const SENDABLE = /^[\x21-\x7e]+$/;

export const scopesIn = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter(Boolean))];

/** `asked` is what is granted where the answer does not say. Throws a Refusal `upstream_misbehaved`. */
export function tokensOf(
  named: Named,
  answer: TokenAnswer,
  { asked, now }: { asked: readonly string[]; now: number },
): UpstreamTokens {
  const { access_token, refresh_token, expires_in, scope } = answer;
  // A DPoP or MAC token is of no use to who only has the token.
  if (answer.token_type.toLowerCase() !== 'bearer')
    throw misbehaved(named, 'its token is not a bearer token');
  for (const token of [access_token, refresh_token])
    if (token !== undefined && !SENDABLE.test(token))
      throw misbehaved(named, 'its token cannot be sent in a header');
  return {
    accessToken: access_token,
    ...(refresh_token !== undefined && { refreshToken: refresh_token }),
    expiresAt: expires_in === undefined ? null : now + Math.min(expires_in, LONGEST_LIFE) * 1000,
    scopes: scope === undefined ? [...asked] : scopesIn(scope),
    tokenType: 'Bearer',
  };
}
