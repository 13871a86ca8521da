// Reads the form of a protocol request, strictly: what two readers could understand differently is refused.

import type { IncomingMessage } from 'node:http';
import { malformed, readBody } from '../body.ts';
import type { HttpCall } from '../http-call.ts';

export type SentForm = { fields: Record<string, string>; resources: string[] };

const MOST_FIELDS = 200;

/** Names that must not stand in a URL, which ends up in logs and histories (OAuth 2.1 §2.4.1, §4.1.3). */
const IN_QUERY =
  /(?:^|&)(?:client_secret|client_assertion|code|code_verifier|refresh_token|token|access_token)=/i;

/** One name or value. What is no UTF-8 is refused rather than replaced. */
function decoded(part: string): string {
  if (!/[%+]/.test(part)) return part;
  try {
    return decodeURIComponent(part.replaceAll('+', ' '));
  } catch {
    throw malformed('The request body is not a form in UTF-8.');
  }
}

function checkType({ headers }: IncomingMessage): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters.map((each) => each.trim()).find((each) => each.startsWith('charset='));
  if (
    type.trim() !== 'application/x-www-form-urlencoded' ||
    !['charset=utf-8', 'charset="utf-8"', undefined].includes(charset) ||
    !['identity', undefined].includes(headers['content-encoding'])
  ) {
    throw malformed('Only application/x-www-form-urlencoded bodies in UTF-8 are taken here.');
  }
}

/**
 * The parameters in the body; `resource` alone may be repeated (RFC 8707 §2), and one without a value was not sent
 * (RFC 6749 §3.2). Throws a Refusal invalid_request, 400 or 413.
 */
export async function readForm(call: HttpCall): Promise<SentForm> {
  checkType(call.req);
  if (IN_QUERY.test(call.querystring)) {
    throw malformed('Credentials and tokens go in the body, never in the address.');
  }
  const body = await readBody(call.req);
  const pairs = body.toString('latin1').split('&');
  if (pairs.length > MOST_FIELDS) throw malformed('The request has too many parameters.');
  // without a prototype, so that no name means more than it says
  const fields: Record<string, string> = Object.create(null);
  const seen = new Set<string>();
  const resources: string[] = [];
  for (const pair of pairs) {
    // WHATWG URL §5.2: everything else is escaped.
    if (/[^\x20-\x7e]/.test(pair)) throw malformed('The request body is not a form in UTF-8.');
    const at = pair.indexOf('=');
    const name = decoded(at < 0 ? pair : pair.slice(0, at));
    const value = at < 0 ? '' : decoded(pair.slice(at + 1));
    if (name === 'resource') {
      if (value !== '' && !resources.includes(value)) resources.push(value);
      continue;
    }
    // RFC 6749 §3.2: "Request and response parameters MUST NOT be included more than once."
    if (name !== '' && seen.has(name)) throw malformed('A parameter was sent more than once.');
    seen.add(name);
    if (name !== '' && value !== '') fields[name] = value;
  }
  return { fields, resources };
}
