// Client ID Metadata Documents: fetched through the one door, shared by every process, served stale when the
// host is down so that a refresh never dies of it. Whether a document is acceptable is asked on every use, elsewhere.

import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../clock.ts';
import { digest } from '../../crypto.ts';
import { Refusal } from '../../errors.ts';
import type { Outbound } from '../../outbound.ts';
import type { ClientDocumentRow, ClientStore } from '../../storage/clients.ts';
import type { Work } from '../../storage/commit.ts';

export type ClientDocument = { url: string; document: Record<string, unknown>; digest: string };

// CIMD §6.6 recommends 5 KB; real documents come close, so a little more.
const LARGEST = 10_240;
const SHORTEST_LIFE = 60_000;
const LONGEST_LIFE = 24 * 3600_000;

const failed = (url: string, why: string, cause?: unknown): Refusal =>
  new Refusal(`The client's metadata document at ${url} ${why}.`, {
    reason: 'client_document',
    oauth: 'invalid_client',
    hint: 'Whoever publishes the document has to mend it; trying again later may help.',
    cause,
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

// RFC 9111 §5.2: how long an answer may be kept, between our floor and ceiling.
function freshFor(headers: IncomingHttpHeaders): number {
  const control = headers['cache-control'] ?? '';
  const age = /(?:^|,)\s*max-age\s*=\s*"?(\d+)/i.exec(control);
  const asked = age ? Number(age[1]) * 1000 : 3600_000;
  return Math.min(LONGEST_LIFE, Math.max(SHORTEST_LIFE, asked));
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
}: {
  store: ClientStore;
  outbound: Outbound;
  clock: Clock;
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
      freshUntil: now + freshFor(answer.headers),
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
