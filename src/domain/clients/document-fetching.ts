// Asks the host of a Client ID Metadata Document for it: within bounds, and once however many wait for it. What may be
// kept of an answer and for how long is for documents.ts to say, which is the only caller.

import type { Clock } from '../../clock.ts';
import { digest } from '../../crypto.ts';
import { Refusal } from '../../errors.ts';
import { budget } from '../../outbound/budget.ts';
import type { Outbound } from '../../outbound.ts';
import type { ClientDocumentRow } from '../../storage/clients.ts';
import { freshFor } from './freshness.ts';

// CIMD §6.6 recommends 5 KB; real documents come close, so a little more.
const LARGEST = 10_240;

// How many are fetched at once for one network, from one host and altogether: whoever names a thousand addresses that
// never answer waits by themselves, and takes neither the sockets nor the time of anybody else.
const AT_ONCE = { network: 8, host: 4, all: 32 };

const failed = (url: string, why: string, cause?: unknown): Refusal =>
  new Refusal(`The client's metadata document at ${url} ${why}.`, {
    reason: 'client_document',
    oauth: 'invalid_client',
    hint: 'Whoever publishes the document has to mend it; trying again later may help.',
    cause,
  });

const busy = (): Refusal =>
  new Refusal('Too many apps are being looked up at once.', {
    reason: 'client_documents_busy',
    status: 429,
    oauth: 'temporarily_unavailable',
    hint: 'Try again in a minute.',
  });

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

/**
 * A function that fetches `url` for somebody of the network `from`. It throws a Refusal: `client_document` when there is
 * no document to be had there, `client_documents_busy` (429) when too many are being fetched.
 */
export function documentFetching({ outbound, clock }: { outbound: Outbound; clock: Clock }) {
  const fetching = new Map<string, Promise<ClientDocumentRow>>();
  const [networks, hosts, all] = [budget(AT_ONCE.network), budget(AT_ONCE.host), budget(AT_ONCE.all)];

  /** Throws a Refusal 429 where too much is going on already; returns what ends the stay. */
  function enter(url: string, from: string): () => void {
    const stays = [networks.enter(from), hosts.enter(new URL(url).hostname), all.enter('')];
    const leave = (): void => {
      for (const stay of stays) stay?.();
    };
    if (stays.every((stay) => stay !== undefined)) return leave;
    leave();
    throw busy();
  }

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
  return async function once(url: string, from: string): Promise<ClientDocumentRow> {
    const running = fetching.get(url);
    if (running) return running;
    const leave = enter(url, from);
    const asked = fetched(url).finally(() => {
      leave();
      fetching.delete(url);
    });
    fetching.set(url, asked);
    return asked;
  };
}
