// What the pages are given: the domain's verbs, the protocol's typed answers, and this room's own guards.

import type { Clock } from '../../clock.ts';
import type { Config } from '../../config.ts';
import type { Identities } from '../../domain/accounts/identities.ts';
import type { Accounts } from '../../domain/accounts.ts';
import type { Audit } from '../../domain/audit.ts';
import type { Clients } from '../../domain/clients.ts';
import type { Grants } from '../../domain/grants.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Resources } from '../../domain/resources.ts';
import type { UpstreamTransactions } from '../../domain/upstream/transactions.ts';
import type { Upstreams } from '../../domain/upstream.ts';
import type { ConnectLinks } from '../../domain/vault/links.ts';
import type { Vault } from '../../domain/vault.ts';
import type { OAuth } from '../../oauth/host.ts';
import type { Csrf } from '../csrf.ts';
import type { Limits } from '../limits.ts';

/** The domain, as far as pages show or change it. */
export type Domain = {
  accounts: Accounts;
  identities: Identities;
  policy: Policy;
  trips: UpstreamTransactions;
  upstreams: Upstreams;
  vault: Vault;
  connectLinks: ConnectLinks;
  audit: Audit;
  clients: Clients;
  grants: Grants;
  resources: Resources;
  clock: Clock;
};

export type PageRooms = {
  config: Pick<Config, 'issuer' | 'lifetimes'>;
  domain: Domain;
  oauth: Pick<OAuth, 'interaction' | 'session' | 'device'>;
  csrf: Csrf;
  limits: Limits;
};
