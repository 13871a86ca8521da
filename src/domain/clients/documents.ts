// Client ID Metadata Documents: fetched through the one door, shared by every process, served stale when the
// host is down so that a refresh never dies of it. Whether a document is acceptable is asked on every use, elsewhere.

import type { Clock } from '../../clock.ts';
import { digest } from '../../crypto.ts';
import { Refusal } from '../../errors.ts';
import type { Outbound } from '../../outbound.ts';
import type { ClientDocumentRow, ClientStore } from '../../storage/clients.ts';
import type { Work } from '../../storage/commit.ts';
import { freshFor } from './freshness.ts';
import { type DocumentHosts, hostAllowed } from './hosts.ts';

export type ClientDocument = { url: string; document: Record<string, unknown>; digest: string };

// CIMD §6.6 recommends 5 KB; real documents come close, so a little more.
const LARGEST = 10_240;

const failed = (url: string, why: string, cause?: unknown): Refusal =>
  new Refusal(`The client's metadata document at ${url} ${why}.`, {
    reason: 'client_document',
    oauth: 'invalid_client',
    hint: 'Whoever publishes the document has to mend it; trying again later may help.',
    cause,
  });

const refusedHost = (url: string): Refusal =>
  new Refusal(`Clients of ${new URL(url).host} are not accepted here.`, {
    reason: 'client_host',
    oauth: 'invalid_client',
    hint: 'The people who run this server decide which apps may connect.',
  });

/**
 * Whether `id` can be the URL of a metadata document: https, a path, no dot segments, fragment or userinfo
 * (draft-ietf-oauth-client-id-metadata-document §3).
 */
export function isDocumentUrl(id: string): boolean {
  if (!id.startsWith('https://') || id.length > 2048 || !/^[\x21-\x7e]+$/.test(id) || id.includes('\\'))
    return false;
  const url = URL.parse(id);
  if (!url || url.username || url.password || id.includes('#') || url.pathname === '/') return false;
  const authority = id.slice('https://'.length).split(/[/?]/, 1)[0] ?? '';
  if (authority.includes('@')) return false;
  const path = id.slice('https://'.length + authority.length).split('?')[0] ?? '';
  return path.startsWith('/') && !path.split('/').some((part) => /^(\.|%2e){1,2}$/i.test(part));
}

function parse(url: string, body: Buffer): Record<string, unknown> {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw failed(url, 'is not JSON', cause);
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw failed(url, 'is not a JSON object');
  }
  // CIMD §4.1: the client_id in the document matches the URL by simple string comparison.
  if ((document as { client_id?: unknown }).client_id !== url) throw failed(url, 'names another client_id');
  return document as Record<string, unknown>;
}

export function clientDocuments({
  store,
  outbound,
  clock,
  hosts = { allow: [], deny: [] },
}: {
  store: ClientStore;
  outbound: Outbound;
  clock: Clock;
  hosts?: DocumentHosts;
}) {
  const fetching = new Map<string, Promise<ClientDocumentRow>>();

  async function fetched(url: string): Promise<ClientDocumentRow> {
    const answer = await outbound
      .get(url, { accept: 'application/json', maxBytes: LARGEST })
      .catch((cause) => {
        throw failed(url, 'could not be fetched', cause);
      });
    // CIMD §4: only 200 counts, and a redirect is not followed.
    if (answer.status !== 200) throw failed(url, 'could not be fetched');
    const type = answer.headers['content-type'] ?? '';
    if (!/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type)) throw failed(url, 'is not served as JSON');
    const now = clock();
    return {
      url,
      document: parse(url, answer.body),
      digest: digest('client document', answer.body.toString('utf8')),
      fetchedAt: now,
      freshUntil: now + freshFor(answer.headers, now),
    };
  }

  // One fetch for many waiters; a failure is remembered by nobody.
  function once(url: string): Promise<ClientDocumentRow> {
    const running = fetching.get(url) ?? fetched(url).finally(() => fetching.delete(url));
    fetching.set(url, running);
    return running;
  }

  const shown = (row: ClientDocumentRow): ClientDocument => ({
    url: row.url,
    document: row.document as Record<string, unknown>,
    digest: row.digest,
  });

  return {
    /**
     * The document at `url`, from the cache while fresh. With `stale`, an old copy serves when the host is down:
     * for refreshing and introspecting, not for asking a person. `check` throws on a document that is not
     * acceptable; such a one is not kept (CIMD §6.6). Throws a Refusal `client_document`, or what `check` throws.
     */
    async find(
      work: Work,
      url: string,
      { stale, check }: { stale: boolean; check: (document: Record<string, unknown>) => void },
    ): Promise<ClientDocument> {
      // asked on every use: a host that is denied today is not believed on an old copy
      if (!hostAllowed(url, hosts)) throw refusedHost(url);
      const kept = await store.findDocument(url);
      if (kept && kept.freshUntil > clock()) return shown(kept);
      try {
        const row = await once(url);
        check(shown(row).document);
        work.keep(store.saveDocument(row));
        return shown(row);
      } catch (error) {
        if (kept && stale) return shown(kept);
        throw error;
      }
    },
  };
}

export type ClientDocuments = ReturnType<typeof clientDocuments>;
