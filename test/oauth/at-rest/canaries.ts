// Everything secret that goes over the wire while a test runs, by name, taken from the requests and answers themselves:
// a flow that is added is watched without saying so. Called by at-rest.test.ts.

import type { Outbound } from '../../../src/outbound.ts';

/** Members of forms, JSON and query strings whose values open a door. */
const SECRET =
  /^(access_token|refresh_token|id_token|code|code_verifier|client_secret|registration_access_token|client_assertion|assertion|subject_token|actor_token|device_code|user_code|request_uri|password|repeat|csrf|token|secret|key|state|nonce)$/;
/** What the client sends and the server stores on purpose, as it must give it back. */
const GIVEN_BACK = /^(state|nonce)$/;
/** Tokens in paths: links that are good once. */
const PATHS = /\/(setup|connect)\/([\w-]{16,})/g;
// shorter ones would be found by chance
const LONG_ENOUGH = 8;

export type Canaries = {
  /** By where they were seen. */
  secrets: Map<string, string>;
  keep(name: string, value: string | undefined): void;
  /** What a log must not hold although the database may. */
  passing: Map<string, string>;
  /** A door out whose secrets are seen as well: what upstreams are told, and what they give. */
  watched(door: Outbound): Outbound;
  stop(): void;
};

export function watch(): Canaries {
  const secrets = new Map<string, string>();
  const passing = new Map<string, string>();
  const original = globalThis.fetch;

  function keep(name: string, value: string | undefined): void {
    if (value === undefined || value.length < LONG_ENOUGH || [...secrets.values()].includes(value)) return;
    secrets.set(`${name} #${secrets.size}`, value);
  }
  function member(where: string, name: string, value: unknown): void {
    if (typeof value !== 'string' || !SECRET.test(name)) return;
    if (GIVEN_BACK.test(name)) passing.set(`${where} ${name} #${passing.size}`, value);
    else keep(`${where} ${name}`, value);
    if (name === 'user_code') keep(`${where} ${name} without its dash`, value.replace('-', ''));
  }
  const query = (where: string, params: URLSearchParams): void => {
    for (const [name, value] of params) member(where, name, value);
  };
  function text(where: string, body: string): void {
    for (const [, , link] of body.matchAll(PATHS)) keep(`${where} link`, link);
    if (body.startsWith('{')) {
      for (const [name, value] of Object.entries(JSON.parse(body))) member(where, name, value);
    } else if (/^[\w.-]+=/.test(body)) query(where, new URLSearchParams(body));
  }

  function authorized(where: string, authorization: string | null | undefined): void {
    const [, scheme, credentials = ''] = /^(\w+) (.*)$/.exec(authorization ?? '') ?? [];
    if (scheme !== 'Basic') keep(`${where} ${scheme}`, credentials);
    if (scheme !== 'Basic') return;
    const [, secret = ''] = Buffer.from(credentials, 'base64').toString().split(':');
    keep(`${where} Basic`, secret);
    // RFC 6749 §2.3.1: encoded as in a form
    if (/%|\+/.test(secret)) keep(`${where} Basic, decoded`, decodeURIComponent(secret.replaceAll('+', ' ')));
  }
  /** Where Cardea itself sends somebody with a request of its own, what that says is for the upstream alone. */
  function leaving(where: string, to: URL): void {
    query(`${where} location`, to.searchParams);
    if (!to.searchParams.has('code_challenge')) return;
    for (const name of ['state', 'nonce'])
      keep(`${where} upstream ${name}`, to.searchParams.get(name) ?? undefined);
  }

  globalThis.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const where = url.pathname.replace(/[\w-]{16,}/g, '…');
    query(where, url.searchParams);
    const headers = new Headers(init?.headers);
    authorized(where, headers.get('authorization'));
    keep(`${where} DPoP proof`, headers.get('dpop') ?? undefined);
    if (init?.body !== undefined && init.body !== null) text(where, String(init.body));
    const response = await original(input, init);
    for (const line of response.headers.getSetCookie()) {
      const [, name, value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      keep(`${where} cookie ${name}`, value);
    }
    const location = response.headers.get('location');
    if (location) leaving(where, new URL(location, url));
    keep(`${where} DPoP nonce`, response.headers.get('dpop-nonce') ?? undefined);
    text(`${where} answer`, await response.clone().text());
    return response;
  };

  return {
    secrets,
    keep,
    passing,
    watched: (door) => ({
      ...door,
      async send(to, options) {
        const where = `upstream ${new URL(to).pathname}`;
        authorized(where, new Headers(options.headers).get('authorization'));
        if (options.body !== undefined) text(where, options.body);
        const answer = await door.send(to, options);
        text(`${where} answer`, answer.body.toString());
        return answer;
      },
    }),
    stop: () => {
      globalThis.fetch = original;
    },
  };
}

/** How a value may be written down so that whoever reads it has it. */
export const forms = (value: string): string[] => [
  value,
  Buffer.from(value).toString('base64').replace(/=+$/, ''),
  Buffer.from(value).toString('base64url'),
  Buffer.from(value).toString('hex'),
  encodeURIComponent(value),
  JSON.stringify(value).slice(1, -1),
];
