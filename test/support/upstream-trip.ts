// What tests of connectors begin with: a connector through the real door on loopback, and a trip to the upstream.

import { secret } from '../../src/config/secret.ts';
import type { OAuthUpstream } from '../../src/config.ts';
import { random } from '../../src/crypto.ts';
import type { Connector, Transaction } from '../../src/domain/upstream/connector.ts';
import { door } from '../../src/domain/upstream/door.ts';
import { entra } from '../../src/domain/upstream/entra.ts';
import { github } from '../../src/domain/upstream/github.ts';
import { google } from '../../src/domain/upstream/google.ts';
import { plain } from '../../src/domain/upstream/habits.ts';
import { oidc } from '../../src/domain/upstream/oidc.ts';
import { okta } from '../../src/domain/upstream/okta.ts';
import { outbound } from '../../src/outbound.ts';

export const REDIRECT = 'http://127.0.0.1:4000/upstream/company/callback';

const HABITS = { oidc: plain, google, entra, okta };

type Given = Partial<Omit<OAuthUpstream, 'issuer' | 'clientId'>> & {
  issuer: string;
  clientId?: string;
  secret?: string;
  /** Ms after which an answer is given up, where a test would wait too long for what upstreams are given. */
  patience?: number;
};

export const declarationOf = ({
  secret: value = 'a secret of ours, 0001',
  patience: _patience,
  ...given
}: Given): OAuthUpstream => ({
  name: 'company',
  kind: 'oidc',
  label: 'Acme',
  clientId: 'cardea',
  credential: { kind: 'secret', value: secret(value) },
  signIn: true,
  scopes: ['openid', 'profile', 'email'],
  groupsClaim: 'groups',
  endpointHosts: [],
  allow: { accounts: [], domains: [], groups: [] },
  ...given,
});

export function connectorTo(given: Given, clock = Date.now, allowLoopback = true): Connector {
  const declaration = declarationOf(given);
  const limits = { perHost: 64, perAddress: 64, overall: 256 };
  const whole = outbound({ allowLoopback, limits });
  const { patience } = given;
  const hasty: typeof whole =
    patience === undefined
      ? whole
      : { ...whole, send: (url, init) => whole.send(url, { ...init, timeoutMs: patience }) };
  const out = door({ outbound: hasty, clock, named: declaration });
  return declaration.kind === 'github'
    ? github({ declaration, door: out, clock })
    : oidc({ declaration, habits: HABITS[declaration.kind], door: out, clock });
}

export const trip = (given: Partial<Transaction> = {}): Transaction => ({
  state: random(),
  nonce: random(),
  codeVerifier: random(),
  redirectUri: REDIRECT,
  scopes: ['openid', 'profile', 'email'],
  ...given,
});
