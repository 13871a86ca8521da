// The token of a request, from the Authorization header and from nowhere else (RFC 6750 §2.3 discourages the query).
import { badToken, Refused, type Scheme } from './refusal.ts';

const longest = 16 * 1024;

export type Credentials = { scheme: Scheme; token: string };

/** The access token and how it was sent. `headers` is every Authorization header that came. Throws Refused. */
export function readAuthorization(headers: readonly string[]): Credentials {
  if (headers.length > 1) throw malformed('Send exactly one Authorization header');
  const header = headers[0]?.trim() ?? '';
  // RFC 9110 §11.1: the scheme is case-insensitive.
  const [, name = '', token = ''] = /^(\S*)\s*(.*)$/s.exec(header) ?? [];
  const scheme = ({ bearer: 'Bearer', dpop: 'DPoP' } as const)[name.toLowerCase()];
  if (!scheme || token === '') {
    // RFC 6750 §3.1: an unsupported scheme counts as no authentication, and so gets no error code.
    throw new Refused({
      reason: 'no_token',
      status: 401,
      message: 'This server needs a Bearer access token',
    });
  }
  if (token.length > longest) throw badToken('token_too_long', 'The access token is longer than 16 KiB');
  // RFC 6750 §2.1: b64token; RFC 9449 §7.1: token68, which is the same
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token))
    throw malformed('The Authorization header is not a scheme and one token');
  return { scheme, token };
}

const malformed = (message: string): Refused =>
  new Refused({ reason: 'malformed_authorization', status: 400, error: 'invalid_request', message });
