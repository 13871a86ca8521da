// Authorization requests that were pushed (RFC 9126), under the digest of the name that their client was given. The
// engine never hears of them: a name in an address is exchanged for what was pushed before it reads the address.

import type { Clock } from '../../clock.ts';
import { random } from '../../crypto.ts';
import type { Work } from '../../domain/audit.ts';
import { Refusal } from '../../errors.ts';
import type { Artifacts } from '../adapter.ts';
import type { Fields } from '../authorization-request.ts';
import { artifactKey } from '../refresh-tokens.ts';

/** Seconds: a browser is on its way by then (RFC 9126 §4: "short-lived"). */
export const PUSHED_LIFE = 90;

const MODEL = 'PushedAuthorizationRequest';
const PREFIX = 'urn:ietf:params:oauth:request_uri:'; // RFC 9126 §2.2

type Pushed = { clientId: string; fields: Fields };

const notGood = (reason: string, why: string): Refusal =>
  new Refusal(`This authorization request ${why}.`, {
    reason,
    oauth: 'invalid_request_uri', // RFC 9101 §7
    hint: 'Go back to the app and start the connection again.',
  });

const usedBefore = (): Refusal => notGood('request_uri_used', 'has been used before');

export function pushedRequests({ store, clock }: { store: Artifacts; clock: Clock }) {
  return {
    /** Keeps a request of this client; returns the request_uri, which is stored nowhere. */
    keep(work: Work, pushed: Pushed): string {
      const name = random();
      work.add(
        store.insert({
          key: artifactKey(MODEL, name),
          model: MODEL,
          payload: JSON.stringify(pushed),
          familyId: null,
          uid: null,
          expiresAt: clock() + PUSHED_LIFE * 1000,
          consumedAt: null,
        }),
      );
      return PREFIX + name;
    },

    /**
     * What an address means that may name a pushed request: what was pushed, and nothing else that stands there, so
     * that nobody on the way can change it. It is used up with the request's commit, of two at once by one.
     * Throws a Refusal `invalid_request_uri` for a name that is unknown, another client's, old or used.
     */
    async expand(work: Work, query: Fields): Promise<Fields> {
      const { request_uri: uri, client_id: clientId } = query;
      // none, or one that is nobody's to push, which the engine refuses
      if (typeof uri !== 'string' || !uri.startsWith(PREFIX)) return query;
      const row = await store.find(artifactKey(MODEL, uri.slice(PREFIX.length)));
      const pushed = row?.model === MODEL ? (JSON.parse(row.payload) as Pushed) : undefined;
      // RFC 9126 §4: the client_id of the address is whose request it is
      if (!row || !pushed || pushed.clientId !== clientId)
        throw notGood('request_uri_unknown', 'is not known here');
      if (row.consumedAt !== null) throw usedBefore();
      if (row.expiresAt === null || row.expiresAt <= clock()) throw notGood('request_uri_old', 'has run out');
      work.add({ ...store.consume(row.key, clock()), lost: async () => usedBefore() });
      return pushed.fields;
    },
  };
}

export type PushedRequests = ReturnType<typeof pushedRequests>;
