import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { END, START, settingsTable } from '../src/config/settings-table.ts';
import { ConfigProblems, readConfig } from '../src/config.ts';

const LIBRARY = `
resources:
  - uri: http://127.0.0.1:4100/mcp
    name: Town Library
    token: { format: jwt, algorithm: ES256, lifetime: 10m }
    server: { id: library-server, secret: a-long-enough-secret }
    scopes:
      - name: library:read
        description: Look at the catalogue and at loans
        default: true
        tools:
          - { name: search_books, description: Search the catalogue, effect: read }
clients:
  - id: my-client
    name: My client
    redirect_uris: [http://127.0.0.1:3000/callback]
`;

const given = (yaml: string, env: Record<string, string> = {}, held: Record<string, string> = {}) =>
  readConfig({
    env: { CARDEA_CONFIG: '/etc/cardea.yaml', ...env },
    files: (path) => {
      const text = path === '/etc/cardea.yaml' ? yaml : held[path];
      if (text === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' });
      return text;
    },
  });

function problems(
  yaml: string,
  env: Record<string, string> = {},
  held: Record<string, string> = {},
): string[] {
  try {
    given(yaml, env, held);
    return [];
  } catch (error) {
    if (error instanceof ConfigProblems) return error.message.split('\n');
    throw error;
  }
}

const KEY = Buffer.alloc(32, 7).toString('base64url');

describe('reading', () => {
  test('with nothing said, everything has a default', () => {
    const config = readConfig({ env: {} });
    expect(config).toMatchObject({
      issuer: 'http://127.0.0.1:4000',
      port: 4000,
      host: '127.0.0.1',
      database: { kind: 'sqlite', file: './data/cardea.db' },
      key: undefined,
      resources: [],
      registration: { dynamic: true, clientIdDocuments: true },
      lifetimes: { authorizationCode: 60, accessToken: 600, refreshGrace: 120, grant: 31_536_000 },
      warnings: [],
    });
  });

  test('the documented file is read', () => {
    const { resources, clients } = given(LIBRARY);
    expect(resources[0]).toMatchObject({ uri: 'http://127.0.0.1:4100/mcp', format: 'jwt', lifetime: 600 });
    expect(resources[0]?.server?.secret?.reveal()).toBe('a-long-enough-secret');
    expect(clients).toEqual([
      { id: 'my-client', name: 'My client', redirectUris: ['http://127.0.0.1:3000/callback'] },
    ]);
  });

  test('the environment wins over the file, and an empty variable is an unset one', () => {
    expect(given('port: 5000', { CARDEA_PORT: '6000' }).port).toBe(6000);
    expect(given('port: 5000', { CARDEA_PORT: '' }).port).toBe(5000);
    expect(given('port: 5000').issuer).toBe('http://127.0.0.1:5000');
  });

  test('a token lives as long as the lifetimes say where its resource does not', () => {
    const yaml = `lifetimes: { access_token: 20m }\n${LIBRARY.replace(', lifetime: 10m', '')}`;
    expect(given(yaml).resources[0]?.lifetime).toBe(1200);
  });

  test('the result cannot be changed, however deep', () => {
    const config = given(LIBRARY);
    expect(() => Object.assign(config.resources[0]?.scopes[0]?.tools[0] ?? {}, { name: 'x' })).toThrow(
      TypeError,
    );
    expect(() => config.clients.push(config.clients[0] as never)).toThrow(TypeError);
  });

  test('a default resource is the declared one, as it was declared', () => {
    const yaml = `${LIBRARY}\npolicy: { default_resource: 'HTTP://127.0.0.1:4100/mcp' }`;
    expect(given(yaml).policy.defaultResource).toBe('http://127.0.0.1:4100/mcp');
    expect(problems(`${LIBRARY}\npolicy: { default_resource: 'http://127.0.0.1:4100/mcp/' }`)).toHaveLength(
      1,
    );
  });

  test('what works but is probably not meant is a warning', () => {
    const { warnings } = given(LIBRARY.replace('10m', '2m').replace('a-long-enough-secret', 'short'), {
      CARDEA_ISUER: 'x',
    });
    expect(warnings.join('\n')).toMatch(/Did you mean CARDEA_ISSUER.*16 characters.*five minutes early/s);
  });
});

describe('secrets', () => {
  test('a secret shows itself to no printer', () => {
    const config = given(LIBRARY, { CARDEA_KEY: KEY, DATABASE_URL: 'postgres://cardea:hunter22@db/cardea' });
    const printed = `${inspect(config, { depth: null, showHidden: true })}${JSON.stringify(config)}${config.key}`;
    for (const hidden of [KEY, 'hunter22', 'a-long-enough-secret']) expect(printed).not.toContain(hidden);
    expect(printed).toContain('[secret]');
    expect(config.key?.reveal()).toBe(KEY);
  });

  test('a secret may be in a file, whose line end is not part of it', () => {
    const held = { '/run/key': `${KEY}\n`, '/etc/library': 'from-a-file-in-etc\n' };
    const config = given(
      LIBRARY.replace('secret: a-long-enough-secret', 'secret_file: library'),
      { CARDEA_KEY_FILE: '/run/key' },
      held,
    );
    expect(config.key?.reveal()).toBe(KEY);
    expect(config.resources[0]?.server?.secret?.reveal()).toBe('from-a-file-in-etc');
  });

  test('a secret said twice, or in a file that is not there, is a problem', () => {
    expect(problems('', { CARDEA_KEY: KEY, CARDEA_KEY_FILE: '/run/key' })[0]).toMatch(
      /CARDEA_KEY_FILE.*keep one/,
    );
    expect(problems('', { CARDEA_KEY_FILE: '/run/none' })[0]).toMatch(
      /CARDEA_KEY_FILE.*\/run\/none.*no such file/,
    );
  });

  test('no problem repeats a secret', () => {
    const said = problems(LIBRARY.replace('a-long-enough-secret', '"spaced out secret"'), {
      CARDEA_KEY: 'not-a-key-but-secret',
      DATABASE_URL: 'mysql://root:hunter22@db',
    }).join('\n');
    for (const hidden of ['spaced out', 'not-a-key-but-secret', 'hunter22'])
      expect(said).not.toContain(hidden);
    expect(said.split('\n')).toHaveLength(3);
  });
});

describe('problems', () => {
  test('are reported all at once, each with its place', () => {
    const yaml = LIBRARY.replace('default: true', 'defalt: true')
      .replace('effect: read', 'effect: reed')
      .replace('name: My client', 'nam: My client')
      .replace('http://127.0.0.1:3000', 'http://c.example');
    expect(
      problems(`${yaml}\nlifetimes: { grnt: 1d, session_idle: soon }`, {
        CARDEA_PORT: 'tcp://10.0.0.1:4000',
      }),
    ).toEqual([
      expect.stringMatching(/line 18: lifetimes.grnt is not a setting. Did you mean grant\?/),
      expect.stringMatching(/^CARDEA_PORT: port is not a port.*Kubernetes/),
      expect.stringMatching(/line 18: lifetimes.session_idle is not a duration/),
      expect.stringMatching(
        /line 12: resources\[0\].scopes\[0\].tools\[0\].effect must be one of read, write, destroy/,
      ),
      expect.stringMatching(
        /line 10: resources\[0\].scopes\[0\].defalt is not a setting. Did you mean default\?/,
      ),
      expect.stringMatching(/clients\[0\].name is missing/),
      expect.stringMatching(/line 16: clients\[0\].redirect_uris\[0\] must use https/),
      expect.stringMatching(/clients\[0\].nam is not a setting. Did you mean name\?/),
    ]);
  });

  test.each([
    ['http://auth.example.com', /https/],
    ['https://auth.example.com/', /slash/],
    ['https://auth.example.com?x=1', /query/],
    ['https://auth.example.com#x', /fragment/],
    ['https://me@auth.example.com', /user name/],
    ['https://auth.example.com:443', /origin/],
    ['https://AUTH.example.com', /origin|oddly/],
    ['auth.example.com', /absolute/],
  ])('the issuer %s is refused', (issuer, words) => {
    expect(problems('', { CARDEA_ISSUER: issuer })).toEqual([expect.stringMatching(words)]);
  });

  test.each([
    'https://auth.example.com',
    'https://example.com/auth',
    'http://localhost:4000',
    'http://[::1]:4000',
  ])('the issuer %s is taken', (issuer) => expect(given('', { CARDEA_ISSUER: issuer }).issuer).toBe(issuer));

  test.each<[string, string, RegExp]>([
    ['name: library:read', 'name: offline_access', /meaning of its own/],
    ['name: library:read', 'name: library read', /not a scope/],
    ['name: search_books', 'name: search books', /may hold only/],
    ['http://127.0.0.1:4100/mcp', 'http://mcp.example/mcp', /https/],
    ['http://127.0.0.1:4100/mcp', 'https://mcp.example/mcp#a', /fragment/],
    ['id: my-client', 'id: https://c.example/client', /web address/],
    ['id: my-client', 'id: library-server', /already the id/],
    ['format: jwt', 'format: paper', /jwt, opaque/],
    [
      'server: { id: library-server, secret: a-long-enough-secret }',
      'server: { id: library-server }',
      /secret is missing/,
    ],
  ])('%s as %s is refused', (good, bad, words) => {
    expect(problems(LIBRARY.replace(good, bad))).toEqual([expect.stringMatching(words)]);
  });

  test('a tool in two scopes is refused, and so is one resource under two spellings', () => {
    const scope = LIBRARY.slice(LIBRARY.indexOf('      - name: library:read'), LIBRARY.indexOf('clients:'));
    expect(
      problems(LIBRARY.replace('clients:', `${scope.replace('library:read', 'library:write')}clients:`)),
    ).toEqual([
      expect.stringMatching(
        /scopes\[1\].tools\[0\].name repeats search_books of resources\[0\].scopes\[0\].tools\[0\]/,
      ),
    ]);
    const again = LIBRARY.slice(LIBRARY.indexOf('  - uri'), LIBRARY.indexOf('clients:')).replace(
      'http:',
      'HTTP:',
    );
    expect(problems(LIBRARY.replace('clients:', `${again}clients:`))).toEqual([
      expect.stringMatching(/resources\[1\].uri is the same/),
    ]);
  });

  test('a lifetime longer than the one around it is refused', () => {
    expect(problems('lifetimes: { session_idle: 8d }')).toEqual([
      expect.stringMatching(/longer than lifetimes.session_absolute/),
    ]);
    expect(problems('lifetimes: { authorization_code: 11m }')).toEqual([
      expect.stringMatching(/at most 10m/),
    ]);
  });

  test('a private-use scheme that a browser acts on cannot be allowed', () => {
    expect(problems('registration: { private_use_schemes: [javascript, data] }')).toHaveLength(2);
  });

  test('certificate checking cannot be turned off', () => {
    expect(problems('', { NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toEqual([
      expect.stringMatching(/certificates/),
    ]);
  });

  test('a file that is absent, is not YAML or is a list says so', () => {
    expect(problems('', { CARDEA_CONFIG: '/none' })).toEqual([expect.stringMatching(/\/none.*no such file/)]);
    expect(problems('a: [1')[0]).toMatch(/line 1: .*not valid YAML/);
    expect(problems('- a')).toEqual([expect.stringMatching(/must hold a mapping/)]);
    expect(problems('port: 1\nport: 2')[0]).toMatch(/not valid YAML/);
  });
});

test('the settings table in README.md is the one that the shapes make (npm run docs)', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`${START}\n${settingsTable()}\n${END}`);
});

describe('upstreams', () => {
  const one = (members: string) => `upstreams:\n  - { name: acme, label: Acme, ${members} }\n`;
  const SECRET = 'client_secret: a-long-enough-secret';

  test('are read, each kind with what it needs and no more', () => {
    const { upstreams } = given(
      one(`kind: oidc, issuer: https://login.acme.example/, client_id: x, ${SECRET}`),
    );
    expect(upstreams).toMatchObject([
      {
        name: 'acme',
        issuer: 'https://login.acme.example/',
        signIn: true,
        scopes: ['openid', 'profile', 'email'],
        groupsClaim: 'groups',
        allow: { accounts: [], domains: [], groups: [] },
      },
    ]);
    const [declared] = upstreams;
    expect(declared?.kind !== 'key' && declared?.credential?.value.reveal()).toBe('a-long-enough-secret');
    expect(inspect(upstreams, { depth: 9 })).not.toContain('a-long-enough-secret');
    const tenant = '11111111-2222-3333-4444-555555555555';
    expect(given(one(`kind: entra, tenant: ${tenant}, client_id: x, ${SECRET}`)).upstreams).toMatchObject([
      { issuer: `https://login.microsoftonline.com/${tenant}/v2.0` },
    ]);
    expect(given(one(`kind: google, client_id: x, ${SECRET}`)).upstreams).toMatchObject([
      { issuer: 'https://accounts.google.com' },
    ]);
    const server = `kind: github, issuer: https://git.acme.example/, client_id: x, ${SECRET}`;
    expect(given(one(server)).upstreams).toMatchObject([{ issuer: 'https://git.acme.example' }]);
    expect(given(one('kind: key, hint: In your settings')).upstreams).toEqual([
      { name: 'acme', kind: 'key', label: 'Acme', hint: 'In your settings' },
    ]);
  });

  test.each<[members: string, words: RegExp]>([
    [`kind: oidc, client_id: x, ${SECRET}`, /issuer is missing/],
    [`kind: oidc, issuer: http://login.acme.example, client_id: x, ${SECRET}`, /issuer must use https/],
    [`kind: oidc, issuer: 'https://a.example/?x=1', client_id: x, ${SECRET}`, /issuer has a query/],
    [`kind: oidc, issuer: https://a.example, ${SECRET}`, /client_id is missing/],
    [`kind: oidc, issuer: https://a.example, client_id: x, scopes: [email]`, /scopes lack openid/],
    [`kind: google, client_id: x`, /client_secret is missing/],
    [`kind: google, issuer: https://a.example, client_id: x, ${SECRET}`, /issuer is known for this kind/],
    [`kind: entra, tenant: common, client_id: x, ${SECRET}`, /tenant is not the id of one tenant/],
    [`kind: entra, client_id: x, ${SECRET}`, /tenant is missing/],
    [
      `kind: okta, issuer: https://a.okta.com, client_id: x, private_key: nonsense`,
      /private_key is not a private key/,
    ],
    [`kind: key, ${SECRET}`, /client_secret is not for an upstream of kind key/],
    [
      `kind: oidc, issuer: https://a.example, client_id: x, endpoint_hosts: ['https://b.example']`,
      /is not a host name/,
    ],
    [
      `kind: oidc, issuer: https://a.example, client_id: x, allow: { domains: ['*.example'] }`,
      /is not a domain name/,
    ],
    [`kind: oidc, isuer: https://a.example, client_id: x`, /isuer is not a setting. Did you mean issuer/],
  ])('with { %s } are refused', (members, words) => {
    expect(problems(one(members))).toEqual(expect.arrayContaining([expect.stringMatching(words)]));
  });

  test('have names of their own', () => {
    const two = `${one('kind: key')}  - { name: acme, label: Other, kind: key }\n`;
    expect(problems(two)).toEqual([
      expect.stringMatching(/upstreams\[1\].name is the same as that of upstreams\[0\]/),
    ]);
  });
});
