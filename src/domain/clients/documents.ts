// Client ID Metadata Documents: fetched through the one door, and served stale when the host is down so that a refresh
// never dies of it. Of an app that somebody let in the document is stored, for every process; any other, which a stranger
// can make up by the thousand, is in this process's memory only. Whether one is acceptable is asked on every use, elsewhere.

import type { Clock } from '../../clock.ts';
import { Refusal } from '../../errors.ts';
import { remember } from '../../memory.ts';
import type { Outbound } from '../../outbound.ts';
import type { ClientDocumentRow, ClientStore } from '../../storage/clients.ts';
import type { Work } from '../../storage/commit.ts';
import { documentFetching } from './document-fetching.ts';
import { type DocumentHosts, hostAllowed } from './hosts.ts';

export type ClientDocument = { url: string; document: Record<string, unknown>; digest: string };

const MOST_REMEMBERED = 500;

// Where an old copy does, a host that is down is asked again after this, in ms, and nobody waits for it until then.
const PAUSE = 60_000;

export type Asking = {
  /** Whether an old copy serves while the host is down: for refreshing and introspecting, not for asking a person. */
  stale: boolean;
  /** Whether an app may come that nobody has let in: where it could hold no code and no token, its host is not asked. */
  firstContact: boolean;
  /** The network of whoever makes us ask. */
  from: string;
  /** Throws on a document that is not acceptable; such a one is not kept (CIMD §6.6). */
  check: (document: Record<string, unknown>) => void;
};

const refusedHost = (url: string): Refusal =>
  new Refusal(`Clients of ${new URL(url).host} are not accepted here.`, {
    reason: 'client_host',
    oauth: 'invalid_client',
    hint: 'The people who run this server decide which apps may connect.',
  });

const unseen = (url: string): Refusal =>
  new Refusal(`Nobody here has let in the client at ${url}, so that it can have no code and no token.`, {
    reason: 'client_unseen',
    status: 401,
    oauth: 'invalid_client',
    hint: 'Start the connection again from the app.',
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
  const fetched = documentFetching({ outbound, clock });
  const recent = new Map<string, ClientDocumentRow>();
  const paused = new Map<string, number>();

  const shown = (row: ClientDocumentRow): ClientDocument => ({
    url: row.url,
    document: row.document as Record<string, unknown>,
    digest: row.digest,
  });

  return {
    /**
     * The document at `url`, from the cache while fresh. Throws a Refusal: `client_document`, `client_unseen`,
     * `client_documents_busy` (429), or what `check` throws.
     */
    async find(
      work: Work,
      url: string,
      { stale, firstContact, from, check }: Asking,
    ): Promise<ClientDocument> {
      // asked on every use: a host that is denied today is not believed on an old copy
      if (!hostAllowed(url, hosts)) throw refusedHost(url);
      const stored = await store.findDocument(url);
      if (!stored && !firstContact) throw unseen(url);
      const kept = stored ?? recent.get(url);
      if (kept && kept.freshUntil > clock()) return shown(kept);
      if (kept && stale && (paused.get(url) ?? 0) > clock()) return shown(kept);
      try {
        const row = await fetched(url, from);
        check(shown(row).document);
        if (stored) work.keep(store.saveDocument(row));
        else remember(recent, url, row, MOST_REMEMBERED);
        return shown(row);
      } catch (error) {
        if (!kept || !stale) throw error;
        remember(paused, url, clock() + PAUSE, MOST_REMEMBERED);
        return shown(kept);
      }
    },

    /** Whether apps of this address may be known here at all; their documents are not asked for. */
    accepts: (url: string): boolean => hostAllowed(url, hosts),

    /** Somebody has let this app in: from now on its document is stored. */
    async allowed(work: Work, url: string, from: string): Promise<void> {
      if (await store.findDocument(url)) return;
      work.add(store.saveDocument(recent.get(url) ?? (await fetched(url, from))));
    },
  };
}

export type ClientDocuments = ReturnType<typeof clientDocuments>;
