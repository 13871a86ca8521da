// `cardea upstream test NAME` for OpenID providers: one thing after another, each in words, until one makes the rest
// pointless. Nothing that it asks for changes anything at the upstream.

import * as oauth from 'oauth4webapi';
import type { OAuthUpstream } from '../../config.ts';
import { Refusal } from '../../errors.ts';
import type { Finding } from './connector.ts';
import type { Door } from './door.ts';
import type { metadata } from './metadata.ts';
import type { signatures } from './signatures.ts';
import { refusedAtAuthorization, trouble } from './trouble.ts';

type Asked = {
  declaration: OAuthUpstream;
  discovery: ReturnType<typeof metadata>;
  signed: ReturnType<typeof signatures>;
  authentication: (as: oauth.AuthorizationServer) => Promise<oauth.ClientAuth>;
  client: oauth.Client;
  http: { [oauth.customFetch]: Door; [oauth.allowInsecureRequests]: true };
  redirectUri: string;
};

/** Why it did not work, for who looks after the server. */
export const whyNot = (declaration: OAuthUpstream, error: unknown): { reason: string; why: string } => {
  const refusal = error instanceof Refusal ? error : trouble(declaration, error);
  return { reason: refusal.reason, why: (refusal.cause as Error | undefined)?.message ?? refusal.message };
};

const HINTS: Record<string, string> = {
  upstream_unavailable:
    'Is the address right, and can this machine reach it? Only public https addresses are asked.',
  upstream_misbehaved:
    'Compare `issuer` with what it calls itself, and name its other hosts in `endpoint_hosts`.',
};

export async function findings({
  declaration,
  discovery,
  signed,
  authentication,
  client,
  http,
  redirectUri,
}: Asked): Promise<Finding[]> {
  const found: Finding[] = [];
  const ok = (what: string) => void found.push({ ok: true, what });
  const wrong = (what: string, hint?: string) => void found.push({ ok: false, what, ...(hint && { hint }) });

  let as: oauth.AuthorizationServer;
  try {
    as = await discovery.get();
    ok(`It publishes its metadata and calls itself ${as.issuer}.`);
  } catch (error) {
    const { reason, why } = whyNot(declaration, error);
    wrong(`Its metadata cannot be used: ${why}.`, HINTS[reason]);
    return found;
  }
  try {
    await signed.fetch(as.jwks_uri as string);
    ok('It publishes the keys that it signs with.');
  } catch (error) {
    wrong(`Its keys cannot be used: ${whyNot(declaration, error).why}.`);
  }
  const supported = as.scopes_supported;
  const asked = [...declaration.scopes, ...(declaration.vault?.scopes ?? [])];
  const unknown = supported ? asked.filter((scope) => !supported.includes(scope)) : [];
  // Many do not list all of their scopes (RFC 8414 §2 lets them), so this alone is no fault.
  if (unknown.length > 0)
    ok(`It does not list these scopes, and may know them all the same: ${unknown.join(' ')}.`);
  if (as.code_challenge_methods_supported?.includes('S256') === false)
    wrong(
      'It does not support PKCE with S256.',
      'It is sent all the same; without it a stolen code is worth more.',
    );
  if (!as.authorization_response_iss_parameter_supported)
    ok(
      'It does not say who it is when it sends people back (RFC 9207); its redirect URI of its own makes up for it.',
    );
  found.push(await credentials());
  found.push(await wayBack({ as, declaration, door: http[oauth.customFetch], redirectUri }));
  return found;

  // A code that cannot exist: who accepts the client complains of the code, who does not complains of the client.
  async function credentials(): Promise<Finding> {
    try {
      const parameters = {
        code: 'a-code-that-does-not-exist',
        redirect_uri: 'https://invalid.example/',
        code_verifier: 'x'.repeat(43),
      };
      const auth = await authentication(as);
      const response = await oauth.genericTokenEndpointRequest(
        as,
        client,
        auth,
        'authorization_code',
        parameters,
        http,
      );
      await oauth.processGenericTokenEndpointResponse(as, client, response);
      return { ok: false, what: 'It accepted a code that does not exist.', hint: 'Do not use it.' };
    } catch (error) {
      const { reason, why } = whyNot(declaration, error);
      if (reason === 'upstream_code_refused')
        return { ok: true, what: 'It accepts the client id and its secret or key.' };
      if (reason === 'upstream_misconfigured')
        return {
          ok: false,
          what: `It does not accept the client: ${why}.`,
          hint: 'Compare client_id and the secret or key with its registration.',
        };
      return { ok: false, what: `Whether it accepts the client cannot be said: ${why}.` };
    }
  }
}

/** Errors of OpenID Connect Core §3.1.2.6 with which an upstream that knows us answers for nobody in particular. */
const NOBODY_THERE = [
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
];

type Back = Pick<Asked, 'declaration' | 'redirectUri'> & { as: oauth.AuthorizationServer; door: Door };

// Asked for a sign-in without a page (prompt=none), an upstream that knows the redirect URI sends its error there. One
// that does not must not (RFC 6749 §4.1.2.1: "MUST NOT automatically redirect"), and shows a page instead.
async function wayBack({ as, declaration, door, redirectUri }: Back): Promise<Finding> {
  const unsaid: Finding = {
    ok: true,
    what: 'Whether it knows the redirect URI and the scopes, it only tells a browser.',
  };
  if (as.require_pushed_authorization_requests) return unsaid;
  try {
    const url = new URL(as.authorization_endpoint as string);
    const verifier = oauth.generateRandomCodeVerifier();
    const parameters = {
      response_type: 'code',
      client_id: declaration.clientId,
      redirect_uri: redirectUri,
      scope: declaration.scopes.join(' '),
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      prompt: 'none',
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const { status, headers } = await door(url.href, {});
    const location = headers.get('location') ?? '';
    if (status >= 400 && status < 500)
      return {
        ok: false,
        what: `Its authorization endpoint answered ${status}: it does not know this redirect URI, or not the client.`,
        hint: `Register exactly ${redirectUri}`,
      };
    if (!location.startsWith(`${redirectUri}?`)) return unsaid;
    const error = new URL(location).searchParams.get('error');
    if (error === null || NOBODY_THERE.includes(error))
      return { ok: true, what: 'It sends people back to the redirect URI.' };
    const { message } = refusedAtAuthorization(declaration, error).cause as Error;
    const scopes = declaration.scopes.join(' ');
    return { ok: false, what: `It refuses sign-ins: ${message}.`, hint: `It was asked for: ${scopes}` };
  } catch (error) {
    return { ok: false, what: `It cannot be asked for a sign-in: ${whyNot(declaration, error).why}.` };
  }
}
