// What oidc-provider does not hand around: the pending writes and the findings of the request being served.
// The engine calls the adapter with ids alone, so the request travels beside it.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Account } from '../domain/accounts.ts';
import type { Work } from '../domain/audit.ts';
import type { Family } from '../domain/grants.ts';

/** A request, as everything that is ours needs it. */
export type OAuthRequest = {
  work: Work;
  traceId: string;
  /** Where it came from. */
  ip: string;
  /** For the record: whose request it turned out to be, as soon as that is known. */
  clientId?: string;
  accountId?: string;
};

/**
 * A request that the engine serves, and what was found for it: nothing is asked of the database twice for one request.
 * What changes meanwhile is met by the commit, whose conditional writes decide.
 */
export type EngineRequest = OAuthRequest & {
  /** Accounts, by id; undefined for one that may not be used. */
  accounts: Map<string, Account | undefined>;
  /** Families read so far, by id; undefined for one that is not live. */
  families: Map<string, Family | undefined>;
  /** Client lookups so far: the engine asks for one client several times, also when it has failed. */
  clients: Map<string, Promise<unknown>>;
  /** Keys of artifacts that were read: they are changed, never made anew. */
  found: Set<string>;
};

const requests = new AsyncLocalStorage<EngineRequest>();
const known = new WeakMap<object, EngineRequest>();

/** `state` is the Koa context's: http/ has put the pending writes, the trace id and the address there. */
export const oauthRequest = (state: Record<string, unknown>): OAuthRequest => ({
  work: state['work'] as Work,
  traceId: String(state['traceId']),
  ip: String(state['ip'] ?? ''),
});

/** `state` is the Koa context's; a page that comes back with it is still in the same request. */
export function withRequest<T>(state: Record<string, unknown>, run: () => Promise<T>): Promise<T> {
  const current = known.get(state) ?? {
    ...oauthRequest(state),
    accounts: new Map(),
    families: new Map(),
    clients: new Map(),
    found: new Set(),
  };
  known.set(state, current);
  return requests.run(current, run);
}

/** The request being served; throws outside one. */
export function request(): EngineRequest {
  const current = requests.getStore();
  if (!current) throw new Error('oidc-provider was asked outside a request');
  return current;
}
