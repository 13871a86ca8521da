// Every sentence a person reads, in English. No page has words of its own, so that a second language is one more file.
// People are told about apps, connections and what an app may do; the protocol's own nouns stay out of sight.

import { type Html, html } from '../html.ts';

export const en = {
  unnamed: 'an app without a name',

  layout: {
    skip: 'Skip to the content',
    navigation: 'Your account',
    connections: 'Connections',
    signOut: 'Sign out',
    motto: 'Cardea opens what is shut, and shuts what is open.',
    reference: 'Reference',
  },

  signIn: {
    title: 'Sign in',
    purpose: (client: Html, resource: Html | undefined): Html =>
      resource
        ? html`to continue to ${client}, which wants to use ${resource}.`
        : html`to continue to ${client}.`,
    purposeUnknown: 'to decide about the app that asks.',
    purposeAlone: 'to see and end the connections you have made.',
    username: 'Username',
    password: 'Password',
    submit: 'Sign in',
    with: (upstream: string): string => `Continue with ${upstream}`,
    or: 'or with a password',
    refused: (upstream: string): string => `${upstream} did not sign you in.`,
    again: 'To change how you sign in, show once more that it is you.',
    leaving: 'You go there only to say who you are. The app is given nothing there.',
    noWay: 'Nobody can sign in here at the moment.',
    cancel: 'Cancel, and go back to the app',
    next: 'Nothing is shared yet. You will see what the app may do, and decide, on the next page.',
  },

  consent: {
    title: 'Allow this app?',
    heading: (client: Html, resource: Html): Html => html`${client} wants to use ${resource}`,
    servers: (first: Html, others: number): Html =>
      others === 0 ? first : html`${first} and ${others} other ${others === 1 ? 'server' : 'servers'}`,
    headingUnknown: (resource: Html): Html => html`An app wants to use ${resource}`,
    saysItIs: (client: Html): Html => html`It says it is called ${client}`,
    verified: (host: Html): Html => html`Verified: this app belongs to ${host}`,
    verifiedNoHost: 'Verified by its web address',
    knownHere: 'Added by the people who run this server',
    unverified: 'Cardea cannot verify who made this app',
    unverifiedHint:
      'Anyone could have chosen that name. Continue only if you started this yourself, just now.',
    ownPage: 'It gives as its own page',

    facts: 'The essentials',
    server: 'It wants to use',
    back: 'You will be sent back to',
    shows: 'Your device must show',
    backHere: 'an app on this computer',
    backScheme: (scheme: Html): Html => html`the app that opens ${scheme} links on this device`,
    account: 'You are signed in as',
    lasts: 'How long this lasts',

    loopback:
      'Any program on this computer could be the one that is asking. Continue only if you have just started this yourself.',
    scheme:
      'Any app on this device can claim such links. Continue only if you have just started this yourself.',

    withheld: 'It asks for more than your account may allow. That part is left out.',
    choose: 'What it may do',
    chooseHint: 'Untick whatever you do not want. The app will simply not be able to do it.',
    returning: 'You have connected this app before. What you chose then is already filled in.',
    somethingNew: 'It asks for more than last time. Those lines are marked “New”.',
    nothing: 'It asks for nothing beyond knowing that you signed in.',
    fresh: 'New',
    leftOut: 'Not allowed so far',
    effects: {
      read: { title: 'Look at things', note: 'Nothing is changed by these.' },
      write: { title: 'Change things', note: 'These add or alter something, in your name.' },
      destroy: { title: 'Delete or destroy things', note: 'What these do cannot be undone.' },
    },

    end: (link: Html): Html => html`You can see it, and end it, at any time under ${link}.`,
    connections: 'your connections',
    allow: 'Allow',
    deny: 'Deny',
    notYou: 'Not you?',
    switchAccount: 'Use another account',
  },

  device: {
    title: 'Connect a device',
    lead: 'Type the code that the device in front of you shows. On the next page you see what it asks for, and decide.',
    code: 'Code',
    hint: 'Eight letters, such as BCDF-GHJK.',
    careful:
      'Only go on if you started this yourself, just now, on a device in front of you, and it shows the same code. If somebody sent you the code or this link, they want to use your account: close this page.',
    submit: 'Continue',
    allowedTitle: 'The device is connected',
    allowed: 'Go back to it. It continues by itself in a few seconds.',
    deniedTitle: 'The device is not connected',
    denied: 'Nothing was shared; it is only told that you said no.',
    connections: 'Your connections',
  },

  consentUpstreams: {
    title: 'What it may use elsewhere',
    note: 'Accounts of yours at other services, which this server would use for you. The app itself never gets them.',
    use: (label: Html, purpose: string): Html => html`Use your ${label} account to ${purpose}`,
    as: (account: Html): Html => html`You are ${account} there.`,
    connectLater: 'It is not connected yet. You will be asked to when it is first needed.',
    gives: {
      whole_token: 'The server gets everything that you have allowed Cardea there: less cannot be given.',
      key: 'The server gets your key itself, and could keep it: a key cannot be lent for a while.',
    },
  },

  connect: {
    title: 'Connect an account',
    heading: (resource: Html, label: Html): Html => html`${resource} needs your ${label} account`,
    purpose: (label: Html, purpose: string): Html =>
      html`It would use what you have at ${label} to ${purpose}, in your name.`,
    server: 'The server that would use it',
    client: 'The app that it works for',
    account: 'Your account there',
    key: 'Your key',
    hint: (hint: string): string => `Where to find it: ${hint}`,
    submit: {
      go: (label: Html): Html => html`Continue to ${label}`,
      key: (_label: Html): string => 'Keep this key',
      allow: (_label: Html): string => 'Allow',
    },
    careful: 'If you did not just ask for this in an app, close this page. Nothing has been shared.',
    doneTitle: 'Done',
    done: (label: Html): Html => html`${label} is connected. You can return to the app.`,
    end: (link: Html): Html => html`You can end it at any time under ${link}.`,
  },

  held: {
    title: 'What servers may use on your behalf',
    lead: 'Accounts of yours elsewhere. Servers that you allow may work with them, for minutes at a time; apps never do.',
    since: 'Connected',
    lastUsed: 'last used',
    over: 'This has ended there. It will be asked for again when it is needed.',
    end: 'End',
    ended: (label: Html): Html => html`Your ${label} account is no longer connected.`,
  },

  connections: {
    title: 'Your connections',
    lead: 'These apps may act for you. End any of them here, and it is over.',
    empty: 'No app is connected.',
    emptyHint: 'When you allow an app to use something in your name, it appears here.',
    uses: (resource: Html): Html => html`uses ${resource}`,
    host: (host: Html): Html => html`says it belongs to ${host}`,
    unverified: 'Cardea cannot verify who made it',
    mayNothing: 'It only learns that you signed in.',
    effects: { read: 'Looks', write: 'Changes', destroy: 'Deletes' },
    effectsLabel: 'Kinds of action',
    showAll: (count: number): string => (count === 1 ? 'It may do 1 thing' : `It may do ${count} things`),
    since: 'Connected',
    lastUsed: 'Last used',
    neverUsed: 'not yet',
    installations: 'Used on',
    // the same device may have connected more than once
    devices: (count: number): string =>
      count === 0 ? 'no device yet' : count === 1 ? '1 device' : `up to ${count} devices`,
    endsBy: 'Ends by itself',
    end: 'End',
    endOf: 'the connection of',
    endAll: 'End all connections…',
    endAllSure: (count: number): string =>
      count === 1
        ? 'This ends the one connection above. The app has to ask you again.'
        : `This ends all ${count} connections above. Every app has to ask you again.`,
    endAllNow: 'Yes, end all of them',
    ended: (client: Html): Html => html`The connection of ${client} is ended.`,
    endedAll: 'All your connections are ended.',
    lastUntil: (time: Html): Html =>
      html`What was already handed out stops working at ${time} at the latest.`,
  },

  waysIn: {
    title: 'How you sign in',
    lead: 'Each of these opens your account. Remove one, and it no longer does.',
    password: 'A password of this server',
    lastUsed: 'last used',
    only: 'the only way in, so it stays',
    remove: 'Remove',
    add: (upstream: string): string => `Add ${upstream}`,
    addLead: 'Another way to sign in:',
    added: (upstream: Html): Html => html`You can sign in with ${upstream} from now on.`,
    removed: (upstream: Html): Html => html`${upstream} no longer signs you in here.`,
  },

  refused: {
    title: 'You are not let in with this account',
    next: 'What you can do',
    again: 'Use another account',
    titleHere: 'Your account may not do this',
    back: 'Go back to the app',
    signedInAs: (name: Html): Html => html`You are signed in as ${name}.`,
  },

  signOut: {
    title: 'Sign out?',
    lead: (name: Html): Html => html`You are signed in as ${name}.`,
    stays: 'Apps you have connected stay connected. To stop one of them, end its connection.',
    submit: 'Sign out',
    stay: 'Stay signed in',
    doneTitle: 'You are signed out',
    done: 'This browser no longer knows you here.',
    again: 'Sign in again',
  },

  setup: {
    title: 'Welcome to Cardea',
    lead: 'This server has no administrator yet. The account you make now is the first one.',
    once: 'This page works once.',
    username: 'Username',
    password: 'Password',
    passwordHint: (minimum: number): string =>
      `At least ${minimum} characters. A few unrelated words are good.`,
    repeat: 'Password again',
    submit: 'Create the administrator',
    problem: 'Please look at what is marked below.',
  },

  error: {
    next: 'What you can do',
    quote: 'If you ask for help, quote this reference',
    code: 'Technical name',
    home: 'To the front page',
  },

  home: {
    title: 'Who may act for you is your decision',
    documentTitle: 'Welcome',
    lead: 'When an app wants to use one of the services behind this server, it has to ask you here first. You see what it will be able to do, you can allow less, and you can take it back at any time.',
    signedIn: (name: Html): Html => html`You are signed in as ${name}.`,
    connections: 'See your connections',
    signIn: 'Sign in',
    signOut: 'Sign out',
    address: 'Address of this server',
  },

  leave: {
    title: 'One more step',
    allowed: (client: Html): Html => html`You allowed ${client}. You are being sent back to it.`,
    denied: (client: Html): Html =>
      html`You did not allow ${client}. Nothing was shared; it is only told that you said no.`,
    plain: (client: Html): Html => html`You are being sent back to ${client}.`,
    goesTo: 'This takes you to',
    careful: 'Cardea does not know this address. If you did not expect it, close this page instead.',
    proceed: 'Continue',
    close: 'or simply close this page.',
  },
} as const;
