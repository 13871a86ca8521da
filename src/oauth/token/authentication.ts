// Client authentication (RFC 6749 §2.3): who is asking, proven as far as its registered method goes.
// Clients and MCP servers alike. Called by every endpoint that a program calls with credentials.

import { secretIs } from '../../domain/clients.ts';
import { Refusal } from '../../errors.ts';
import type { OAuthRequest } from '../request.ts';
import { ASSERTION_TYPE, subjectOf, type VerifyAssertion } from './assertion.ts';
import type { Caller } from './call.ts';
import type { Known, KnownCallers } from './known.ts';
import type { WrongSecrets } from './wrong-secrets.ts';

type Shown =
  | { by: 'none'; id: string }
  | { by: 'secret'; id: string; secrets: string[] }
  | { by: 'assertion'; id: string; assertion: string };

const SECRET_METHODS = ['client_secret_basic', 'client_secret_post'];

const wrong = (message: string): Refusal => new Refusal(message, { reason: 'credentials_malformed' });

const unproven = (message: string, reason = 'client_unproven'): Refusal =>
  new Refusal(message, { reason, status: 401, oauth: 'invalid_client' });

// Printable ASCII, as an id and a secret are (RFC 6749 Appendix A).
const VISIBLE = /^[\x20-\x7e]*$/;

/** RFC 6749 §2.3.1 has both halves form-encoded; many clients send them as they are. Undefined when it is no encoding. */
function formDecoded(text: string): string | undefined {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function basic(header: string): { id: string; secrets: string[] } {
  const [, encoded] = /^basic +([a-z0-9+/]+={0,2})$/i.exec(header) ?? [];
  if (encoded === undefined) throw wrong('The Authorization header is not of the form "Basic base64".');
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0 || !VISIBLE.test(text)) throw wrong('The Authorization header holds no id and secret.');
  const [id, secret] = [text.slice(0, colon), text.slice(colon + 1)];
  if (id === '' || secret === '') throw wrong('The Authorization header lacks the id or the secret.');
  return { id: formDecoded(id) ?? id, secrets: [...new Set([formDecoded(secret) ?? secret, secret])] };
}

function asserted({ client_assertion: assertion = '', client_assertion_type: type }: Fields): Shown {
  if (type !== ASSERTION_TYPE) throw wrong(`client_assertion_type must be ${ASSERTION_TYPE}.`);
  return { by: 'assertion', id: subjectOf(assertion), assertion };
}

type Fields = Readonly<Record<string, string>>;

/** What the request shows of itself, in exactly one way (RFC 6749 §2.3). */
function shownBy(authorization: string | undefined, fields: Fields): Shown {
  const { client_id: named, client_secret: secret, client_assertion: assertion } = fields;
  if ([authorization, secret, assertion].filter((each) => each !== undefined).length > 1) {
    throw wrong('A client authenticates in one way at a time.');
  }
  let shown: Shown;
  if (assertion !== undefined) shown = asserted(fields);
  else if (authorization !== undefined) shown = { by: 'secret', ...basic(authorization) };
  else if (named === undefined) throw wrong('client_id is missing, and nothing else says who is asking.');
  else
    shown = secret === undefined ? { by: 'none', id: named } : { by: 'secret', id: named, secrets: [secret] };
  if (named !== undefined && named !== shown.id) throw wrong('client_id is not who authenticates.');
  return shown;
}

const fits = (shown: Shown, method: Known['method']): boolean => {
  if (shown.by === 'secret') return SECRET_METHODS.includes(method);
  return method === (shown.by === 'none' ? 'none' : 'private_key_jwt');
};

export function authentication({
  known,
  verify,
  wrongSecrets,
}: {
  known: KnownCallers;
  verify: VerifyAssertion;
  wrongSecrets: WrongSecrets;
}) {
  /**
   * The caller, proven. Throws a Refusal: invalid_request where it cannot be told who asks, invalid_client (401)
   * where it is nobody known or the proof is wrong, 429 where its network has guessed too often. `firstContact`: this
   * is where an app may begin that nobody here has let in yet.
   */
  return async function authenticate(
    request: OAuthRequest,
    authorization: string | undefined,
    fields: Fields,
    firstContact: boolean,
  ): Promise<{ caller: Caller; used: boolean }> {
    const shown = shownBy(authorization, fields);
    const found = await known.find(request, shown.id, { asserts: shown.by === 'assertion', firstContact });
    if (!found) {
      throw unproven('There is no such client; it may have been removed. Register again.', 'client_unknown');
    }
    const { caller, method, secretDigest, keys, used } = found;
    request.clientId = caller.id;
    if (!fits(shown, method)) {
      throw unproven(`This client has registered to authenticate by ${method}, and did otherwise.`);
    }
    if (shown.by === 'assertion') await verify(request, caller.id, shown.assertion, keys);
    if (shown.by === 'secret') {
      wrongSecrets.check(caller.id, request.ip);
      if (!shown.secrets.some((secret) => secretDigest !== null && secretIs(secretDigest, secret))) {
        wrongSecrets.count(caller.id, request.ip);
        throw unproven('The client secret is wrong.');
      }
    }
    return { caller, used };
  };
}

export type Authenticate = ReturnType<typeof authentication>;
