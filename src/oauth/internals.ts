// The single file allowed to reach into oidc-provider where it has no public door; its version is pinned for this.
// test/oauth/internals.test.ts says when a new version has moved something.

import type Provider from 'oidc-provider';
import LRU from 'oidc-provider/lib/helpers/lru.js';
import instance from 'oidc-provider/lib/helpers/weak_cache.js';

type Internals = { dynamicClients: unknown };

const CLIENTS_KEPT = 20_000;

/**
 * Keeps as many built clients as a busy server has, instead of the engine's 100: building one costs a schema
 * validation on every request. They are keyed by the digest of their row, so they are never stale.
 */
export function keepMoreClients(provider: Provider): void {
  (instance(provider) as Internals).dynamicClients = new LRU({ maxSize: CLIENTS_KEPT });
}
