// How connectors go out: through the one door, with the patience that an upstream deserves and no more.
// An upstream that does not answer is left alone for a while, so that it keeps nobody waiting and is not stormed.

import type { Clock } from '../../clock.ts';
import { asResponse, type Outbound } from '../../outbound.ts';
import { type Named, trouble, unavailable } from './trouble.ts';

// A token answer with an ID token full of groups is some 10 KiB; discovery and keys are less.
const MAX_BYTES = 262_144;
const TIMEOUT = 10_000;
const FAILURES = 5;
const PAUSE = 15_000;
const LONGEST_PAUSE = 60_000;

type Sent = {
  method?: string;
  headers?: Record<string, string>;
  body?: URLSearchParams | string | null | undefined;
};

export type Door = (url: string, init: Sent) => Promise<Response>;

/** A fetch-shaped function. Throws a Refusal `upstream_unavailable` when there is no answer, or none is asked for. */
export function door({ outbound, clock, named }: { outbound: Outbound; clock: Clock; named: Named }): Door {
  let failures = 0;
  let closedUntil = 0;

  function failed(pause = PAUSE): void {
    failures += 1;
    if (failures >= FAILURES) closedUntil = clock() + pause;
  }

  return async (url, { method = 'GET', headers = {}, body }) => {
    // After the pause one request shows whether it is back; it takes only that one failure to pause again.
    if (clock() < closedUntil)
      throw unavailable(named, `it failed ${failures} times and is left alone for now`);
    const { 'user-agent': _theirs, ...rest } = headers;
    try {
      const answer = await outbound.send(url, {
        method: method as 'GET' | 'POST' | 'DELETE',
        headers: rest,
        ...(body != null && { body: String(body) }),
        maxBytes: MAX_BYTES,
        timeoutMs: TIMEOUT,
      });
      const response = asResponse(answer);
      if (answer.status === 429) {
        // RFC 9110 §10.2.3: "Retry-After … how long the user agent ought to wait"
        const wait = Number(response.headers.get('retry-after') ?? 0) * 1000;
        if (wait > 0) closedUntil = clock() + Math.min(wait, LONGEST_PAUSE);
      } else if (answer.status >= 500) failed();
      else failures = 0;
      return response;
    } catch (error) {
      failed();
      throw trouble(named, error);
    }
  };
}
