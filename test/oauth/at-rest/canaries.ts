// Everything secret that goes over the wire while a test runs, by name, taken from the requests and answers themselves:
// a flow that is added is watched without saying so. Called by at-rest.test.ts.

/** Members of forms, JSON and query strings whose values open a door. */
const SECRET =
  /^(access_token|refresh_token|id_token|code|code_verifier|client_secret|registration_access_token|client_assertion|assertion|subject_token|actor_token|device_code|user_code|request_uri|password|repeat|csrf|token|secret|state|nonce)$/;
/** What the client sends and the server stores on purpose, as it must give it back. */
const GIVEN_BACK = /^(state|nonce)$/;
/** Tokens in paths: the link for the first administrator, an interaction that only its browser may go on with. */
const PATHS = /\/(setup)\/([\w-]{16,})/g;
// shorter ones would be found by chance
const LONG_ENOUGH = 8;

export type Canaries = {
  /** By where they were seen. */
  secrets: Map<string, string>;
  keep(name: string, value: string | undefined): void;
  /** What a log must not hold although the database may. */
  passing: Map<string, string>;
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

  globalThis.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const where = url.pathname.replace(/[\w-]{16,}/g, '…');
    query(where, url.searchParams);
    const headers = new Headers(init?.headers);
    const [, scheme, credentials = ''] = /^(\w+) (.*)$/.exec(headers.get('authorization') ?? '') ?? [];
    if (scheme === 'Basic')
      keep(`${where} Basic`, Buffer.from(credentials, 'base64').toString().split(':')[1]);
    else keep(`${where} ${scheme}`, credentials);
    if (init?.body !== undefined && init.body !== null) text(where, String(init.body));
    const response = await original(input, init);
    for (const line of response.headers.getSetCookie()) {
      const [, name, value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      keep(`${where} cookie ${name}`, value);
    }
    const location = response.headers.get('location');
    if (location) query(`${where} location`, new URL(location, url).searchParams);
    text(`${where} answer`, await response.clone().text());
    return response;
  };

  return {
    secrets,
    keep,
    passing,
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
