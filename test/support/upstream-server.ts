// A Cardea with two upstreams, and the trips that a browser makes to them and back, step by step.

import { authorizeUrl, pkce, register } from './flow.ts';
import type { Person, View } from './person.ts';
import { person } from './person.ts';
import { type Server, startServer } from './server.ts';
import { type OidcUpstream, oidcUpstream } from './upstream-oidc.ts';

const SECRET = 'a-secret-at-the-upstream-0001';

type Config = Record<string, unknown>;

const declared = (name: string, upstream: OidcUpstream, more: Config = {}): Config => ({
  name,
  kind: 'oidc',
  label: name === 'company' ? 'Acme' : 'Other Corp',
  issuer: upstream.issuer,
  client_id: 'cardea',
  client_secret: SECRET,
  ...more,
});

export type House = Awaited<ReturnType<typeof upstreamHouse>>;

/** `company` and `other` go over the declarations of the two upstreams; `config` over the server's. */
export async function upstreamHouse({
  config = {},
  company: sayOfCompany = {},
  other: sayOfOther = {},
}: {
  config?: Config;
  company?: Config;
  other?: Config;
} = {}) {
  const [company, other] = [await oidcUpstream({ secret: SECRET }), await oidcUpstream({ secret: SECRET })];
  const server: Server = await startServer({
    config: {
      upstreams: [declared('company', company, sayOfCompany), declared('other', other, sayOfOther)],
      ...config,
    },
  });
  const { issuer } = server;
  const callback = (name: string, query: URLSearchParams | string): string =>
    `${issuer}/upstream/${name}/callback?${query}`;

  /** As far as the sign-in page of an authorization. */
  async function ask(by: Person, params: Record<string, string> = {}) {
    const client = await register(server);
    const { verifier, challenge } = pkce();
    const url = authorizeUrl(server, { client_id: client.client_id, code_challenge: challenge, ...params });
    return { client, verifier, view: (await by.open(url)) as View };
  }

  /** Presses the upstream's button; where that leads. */
  async function leave(by: Person, view: View | string, name = 'company'): Promise<URL> {
    const away = await by.press(view, 'upstream', name);
    if (typeof away !== 'string') throw new Error(`stayed at ${away.url}: ${away.status} ${away.html}`);
    return new URL(away);
  }

  /** Signs in at the upstream and comes back: the page that follows. */
  async function through(by: Person, view: View | string, name = 'company'): Promise<View | string> {
    const upstream = name === 'company' ? company : other;
    return by.open(callback(name, upstream.visit(await leave(by, view, name))));
  }

  return {
    server,
    issuer,
    company,
    other,
    callback,
    ask,
    leave,
    through,
    /** Somebody with a browser of their own and no password here. */
    stranger: (): Person => person({ username: '', password: '' }),
    /** Signs somebody in outside a flow, as this subject of the upstream. */
    async signIn(by: Person, subject: string, name = 'company'): Promise<View> {
      (name === 'company' ? company : other).knobs.subject = subject;
      const view = await by.visit(`${issuer}/sign-in`);
      return (await through(by, view, name)) as View;
    },
    audit: async (action: string) =>
      (await server.rooms.audit.latest(200)).filter((row) => row.action === action),
    async close(): Promise<void> {
      await server.close();
      await company.close();
      await other.close();
    },
  };
}
