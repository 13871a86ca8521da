// Owns the numbers that Cardea counts and their names. Does not serve them: the HTTP room does, on its own listener.
// Every label has few values, whatever strangers send: an attacker's word never becomes a time series.

import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';

export type Metrics = ReturnType<typeof createMetrics>;

/** How many different values one label may take before the rest is counted as `other`. */
const MOST_VALUES = 60;

const METHODS = new Set(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH']);

/** A registry of its own per call, so that two servers in one process do not share numbers. */
export function createMetrics({ process = true }: { process?: boolean } = {}) {
  const registry = new Registry();
  if (process) collectDefaultMetrics({ register: registry, prefix: 'cardea_' });
  const registers = [registry];
  // Looking up a series by its labels costs more than a request should pay; it is done when somebody reads them.
  const uncounted = new Map<string, number>();
  new Counter({
    name: 'cardea_http_requests_total',
    help: 'HTTP requests answered.',
    labelNames: ['method', 'route', 'status'],
    registers,
    collect() {
      for (const [key, count] of uncounted) {
        const [method = '', status = '', ...route] = key.split(' ');
        this.inc({ route: route.join(' '), method, status }, count);
      }
      uncounted.clear();
    },
  });
  const duration = new Histogram({
    name: 'cardea_http_request_duration_seconds',
    help: 'Time from the request to the end of its response.',
    labelNames: ['route'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const tokens = new Counter({
    name: 'cardea_tokens_issued_total',
    help: 'Access tokens issued.',
    labelNames: ['grant_type'],
    registers,
  });
  const refusals = new Counter({
    name: 'cardea_refusals_total',
    help: 'Expected failures, by reason code.',
    labelNames: ['reason'],
    registers,
  });
  const [route, grantType, reason] = [few(), few(), few()];

  return {
    /** One answered request: `route` is the pattern (`/interaction/:uid`), never the path; time in seconds. */
    request(done: { method: string; route: string; status: number; seconds: number }): void {
      const labels = { route: route(done.route) };
      const method = METHODS.has(done.method) ? done.method : 'other';
      const key = `${method} ${done.status} ${labels.route}`;
      uncounted.set(key, (uncounted.get(key) ?? 0) + 1);
      duration.observe(labels, done.seconds);
    },
    tokenIssued: (type: string): void => tokens.inc({ grant_type: grantType(type) }),
    refused: (code: string): void => refusals.inc({ reason: reason(code) }),
    contentType: registry.contentType,
    /** Everything in Prometheus' text format. */
    text: (): Promise<string> => registry.metrics(),
  };
}

/** Remembers the values it has let through, and answers `other` when there are enough. */
function few(): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= MOST_VALUES || value.length > 100) return 'other';
    known.add(value);
    return value;
  };
}
