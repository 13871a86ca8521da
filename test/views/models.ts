// One model of every page, ordinary, and the same made by somebody hostile. `strings` says what a stranger wrote.

import { type Connect, connectedPage, connectPage } from '../../views/connect.ts';
import { type Connection, connectionsPage } from '../../views/connections.ts';
import { type Consent, consentPage } from '../../views/consent.ts';
import { deviceDonePage, devicePage } from '../../views/device.ts';
import { errorPage } from '../../views/error.ts';
import { homePage } from '../../views/home.ts';
import type { Html } from '../../views/html.ts';
import type { Page } from '../../views/layout.ts';
import { leavePage } from '../../views/leave.ts';
import { nothingToAllowPage, refusedPage } from '../../views/refused.ts';
import { setupPage } from '../../views/setup.ts';
import { signInPage } from '../../views/sign-in.ts';
import { signedOutPage, signOutPage } from '../../views/sign-out.ts';

/** What others wrote: given the ordinary words, the words to show. */
export type Strings = (ordinary: string) => string;

export const ordinary: Strings = (text) => text;

export const consentModel = (theirs: Strings): Consent => ({
  action: '/interaction/k3JmZ0',
  account: { name: theirs('alice') },
  client: {
    name: theirs('Inkwell Desktop'),
    id: 'c_8Qm2',
    verified: false,
    selfRegistered: true,
    uri: theirs('https://inkwell.example/'),
  },
  redirect: { host: theirs('127.0.0.1:51703'), loopback: true },
  resource: { name: theirs('Town Library'), uri: theirs('http://127.0.0.1:4100/mcp') },
  groups: [
    {
      effect: 'read',
      tools: [
        ['Search the catalogue', 'search_books', false] as const,
        ['See who has borrowed which book, and until when', 'list_loans', false] as const,
      ].map(([label, name, isNew]) => ({
        value: `library:read ${theirs(name)}`,
        field: 'tool',
        label: theirs(label),
        name: theirs(name),
        scope: 'library:read',
        checked: true,
        isNew,
      })),
    },
    {
      effect: 'write',
      tools: [
        ['Add a book to the catalogue', 'add_book', false] as const,
        ['Lend a book to a reader', 'lend_book', true] as const,
      ].map(([label, name, isNew]) => ({
        value: `library:write ${theirs(name)}`,
        field: 'tool',
        label: theirs(label),
        name: theirs(name),
        scope: 'library:write',
        checked: true,
        isNew,
      })),
    },
    {
      effect: 'destroy',
      tools: [
        {
          value: 'library:admin remove_book',
          field: 'tool',
          label: theirs('Remove a book from the catalogue'),
          name: theirs('remove_book'),
          scope: 'library:admin',
          checked: false,
          isNew: false,
          leftOut: true,
        },
      ],
    },
  ],
  returning: true,
  somethingNew: true,
  lasts: 'until you end it, at most a year',
  warnings: [theirs('This app changed its details since you last connected it.')],
});

const verifiedConsent = (theirs: Strings): Consent => ({
  ...consentModel(theirs),
  client: {
    name: theirs('Harbour'),
    id: 'https://harbour.example/oauth/client.json',
    host: theirs('harbour.example'),
    verified: true,
    selfRegistered: false,
  },
  redirect: { host: theirs('harbour.example'), loopback: false },
  returning: false,
  somethingNew: false,
  warnings: [],
});

const connectionModels = (theirs: Strings): Connection[] => [
  {
    id: 'g_1',
    client: { name: theirs('Harbour'), verified: true, host: theirs('harbour.example') },
    resource: { name: theirs('Town Library'), uri: theirs('http://127.0.0.1:4100/mcp') },
    tools: [theirs('Search the catalogue'), theirs('Remove a book from the catalogue')],
    effects: ['read', 'write', 'destroy'],
    since: { iso: '2026-11-02T09:14:00Z', text: '2 November 2026' },
    lastUsed: { iso: '2026-11-21T10:02:00Z', text: 'today, 10:02' },
    installations: 3,
    endsBy: { iso: '2027-11-02T09:14:00Z', text: '2 November 2027' },
  },
  {
    id: 'g_2',
    client: { name: theirs('Inkwell Desktop'), verified: false },
    resource: { name: theirs('Town Library'), uri: theirs('http://127.0.0.1:4100/mcp') },
    tools: [],
    effects: [],
    since: { iso: '2026-11-20T09:14:00Z', text: 'yesterday' },
    installations: 1,
  },
];

/** Every page there is, in each of its faces, by a name for the test's title. */
const connectModel = (theirs: Strings): Omit<Connect, 'how'> => ({
  action: '/connect/abc',
  client: { name: theirs('Inkwell Desktop') },
  resource: { name: theirs('Town Library'), uri: theirs('http://127.0.0.1:4100/mcp') },
  label: theirs('Acme'),
  purpose: theirs('read your calendar'),
  gives: 'token',
});

export const pages = (theirs: Strings): Record<string, Html> => {
  const out: Page = { base: '', csrf: 'c5rF', traceId: '7f3a-19c2' };
  const signedIn: Page = { ...out, account: { name: theirs('alice') } };
  const client = { name: theirs('Inkwell Desktop') };
  const resource = { name: theirs('Town Library') };
  return {
    'sign-in': signInPage(out, { action: '/interaction/k3JmZ0', client, resource }),
    'sign-in, refused': signInPage(out, {
      action: '/sign-in',
      username: theirs('alice'),
      error: theirs('That username and password do not belong together.'),
    }),
    consent: consentPage(signedIn, consentModel(theirs)),
    device: devicePage(signedIn, {
      action: '/device',
      code: theirs('BCDF-GHJK'),
      error: theirs('No device waits with this code.'),
    }),
    'device, done': deviceDonePage(signedIn, true),
    'consent, for a device': consentPage(signedIn, {
      ...consentModel(theirs),
      device: { code: 'BCDF-GHJK' },
    }),
    'consent, several servers': consentPage(signedIn, {
      ...consentModel(theirs),
      others: [
        {
          resource: { name: theirs('City Archive'), uri: theirs('https://archive.example/mcp') },
          groups: consentModel(theirs).groups,
        },
      ],
    }),
    'consent, verified app': consentPage(signedIn, verifiedConsent(theirs)),
    'consent, private scheme': consentPage(signedIn, {
      ...consentModel(theirs),
      redirect: { host: '', loopback: false, scheme: theirs('inkwell:') },
    }),
    'consent, app added here, nothing asked': consentPage(signedIn, {
      ...consentModel(theirs),
      client: { ...client, id: 'c', verified: false, selfRegistered: false },
      groups: [],
    }),
    'consent, upstreams': consentPage(signedIn, {
      ...consentModel(theirs),
      upstreams: [
        {
          value: '"company"',
          label: theirs('Acme'),
          purpose: theirs('read your calendar'),
          account: theirs('kim'),
          gives: 'whole_token',
          checked: true,
        },
        { value: '"weather"', label: 'Weather', purpose: 'look at the sky', gives: 'key', checked: false },
      ],
    }),
    'sign-in, upstreams': signInPage(out, {
      action: '/interaction/k3JmZ0',
      asker: {
        client: consentModel(theirs).client,
        redirect: consentModel(theirs).redirect,
        servers: [consentModel(theirs).resource],
      },
      client,
      resource,
      upstreams: [
        { name: 'acme', label: theirs('Acme') },
        { name: 'github', label: 'GitHub' },
      ],
      passwords: true,
      denied: theirs('Acme'),
    }),
    'sign-in, upstreams alone': signInPage(out, {
      action: '/sign-in',
      upstreams: [{ name: 'acme', label: theirs('Acme') }],
      passwords: false,
      again: true,
    }),
    'not let in': refusedPage(out, {
      sentence: theirs('This server lets in only members of librarians.'),
      hint: theirs('Sign in with another account, or ask whoever runs this server to let you in.'),
      again: '/sign-in',
    }),
    'nothing to allow': nothingToAllowPage(signedIn, {
      sentence: theirs('Nothing that was asked for is open to your account here.'),
      hint: theirs('Use another account, or ask whoever runs this server.'),
      action: '/interaction/k3JmZ0',
    }),
    'connections, ways in': connectionsPage(signedIn, {
      connections: connectionModels(theirs).slice(0, 1),
      waysIn: {
        ways: [
          {
            id: 'w1',
            label: theirs('Acme'),
            name: theirs('kim'),
            lastUsed: { iso: '2026-11-20T10:12:00Z', text: '20 November 2026, 10:12 UTC' },
            only: false,
          },
        ],
        password: true,
        more: [{ name: 'github', label: theirs('GitHub') }],
        changed: { label: theirs('Acme'), what: 'added' },
      },
    }),
    'device, denied': deviceDonePage(signedIn, false),
    'connect elsewhere': connectPage(signedIn, { ...connectModel(theirs), how: 'go' }),
    'connect elsewhere, allow': connectPage(signedIn, {
      ...connectModel(theirs),
      how: 'allow',
      account: theirs('kim'),
    }),
    'connect elsewhere, a wrong key': connectPage(signedIn, {
      ...connectModel(theirs),
      how: 'key',
      gives: 'key',
      hint: theirs('weather.example/keys'),
      problem: 'A key has 8 to 4096 visible characters and no spaces.',
    }),
    'connected elsewhere': connectedPage(signedIn, { label: theirs('Acme') }),
    'connections, accounts elsewhere': connectionsPage(signedIn, {
      connections: [],
      held: [
        {
          id: 'h1',
          label: theirs('Acme'),
          name: theirs('kim'),
          since: { iso: '2026-11-20T10:12:00Z', text: 'yesterday' },
          over: false,
        },
        {
          id: 'h2',
          label: theirs('Weather'),
          name: '…cdef',
          since: { iso: '2026-11-20T10:12:00Z', text: 'yesterday' },
          over: true,
        },
      ],
    }),
    connections: connectionsPage(signedIn, { connections: connectionModels(theirs) }),
    'connections, one ended': connectionsPage(signedIn, {
      connections: connectionModels(theirs).slice(1),
      ended: { client: theirs('Harbour'), lastTokenUntil: { iso: '2026-11-21T10:12:00Z', text: '10:12' } },
    }),
    'connections, an account elsewhere ended': connectionsPage(signedIn, {
      connections: [],
      endedHeld: theirs('Acme'),
    }),
    'connections, none left': connectionsPage(signedIn, { connections: [], endedAll: {} }),
    'sign-out': signOutPage(signedIn, { action: '/sign-out' }),
    'signed out': signedOutPage(out),
    setup: setupPage(out, { action: '/setup/x', minimum: 12 }),
    'setup, refused': setupPage(out, {
      action: '/setup/x',
      minimum: 12,
      username: theirs('root'),
      errors: {
        password: theirs('This password is too short.'),
        repeat: theirs('The two passwords are not the same.'),
      },
    }),
    error: errorPage(out, {
      title: theirs('This app cannot continue'),
      sentence: theirs('It asked to be sent to an address it has not registered.'),
      hint: theirs('Start again from the app.'),
      code: theirs('invalid_request'),
    }),
    'home, signed out': homePage(out, { issuer: theirs('http://127.0.0.1:4000') }),
    'home, signed in': homePage(signedIn),
    leave: leavePage(out, {
      client,
      redirect: { host: theirs('inkwell.example') },
      href: theirs('https://inkwell.example/callback?error=access_denied'),
      decision: 'denied',
    }),
  };
};

/** What a phisher might put anywhere: markup, quotes, bidi overrides, separators, an endless word, stacked accents. */
export const hostile: Strings = (text) =>
  `"><script>alert(1)</script><img src=x onerror=alert(1)>' onmouseover='x\` \u202Eelgoog\u0000\n</main></form><h1>${text} ${'W'.repeat(600)} ${'e\u0301\u0302\u0303\u0304\u0305'.repeat(40)}`;
