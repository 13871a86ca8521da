// The engine's events: what it did becomes audit records and numbers, what it refused gets a sentence and a trace id.

import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Audit } from '../domain/audit.ts';
import type { Metrics } from '../metrics.ts';
import { request } from './request.ts';

type EngineError = Error & { error?: string; error_description?: string; error_detail?: string };

const REFUSED = {
  'authorization.error': 'authorization.refused',
} as const;

export function listen(
  provider: Provider,
  {
    audit,
    metrics,
    onError,
  }: {
    audit: Audit;
    metrics: Metrics;
    onError: (error: unknown, ctx: KoaContextWithOIDC) => void;
  },
): void {
  provider.on('server_error', (ctx: KoaContextWithOIDC, error: unknown) => onError(error, ctx));

  // the engine's types know each event by a name of its own; these all have the same arguments
  const on = provider.on.bind(provider) as (
    event: string,
    hear: (ctx: KoaContextWithOIDC, error: EngineError) => void,
  ) => void;
  for (const [event, action] of Object.entries(REFUSED)) {
    on(event, (ctx, error) => {
      const { work, traceId } = request();
      metrics.refused(error.error ?? error.message);
      // a registration that was refused was nobody's, and a stranger must not fill the record
      if (ctx.oidc.client) {
        audit.record(work, {
          action,
          outcome: 'refused',
          reason: error.error ?? error.message,
          clientId: ctx.oidc.client.clientId,
          accountId: ctx.oidc.entities.Account?.accountId,
          traceId,
          detail: { why: error.error_detail ?? error.error_description ?? error.message },
        });
      }
      // The engine keeps the true reason to itself ("grant request is invalid"); whoever has to mend it wants it.
      const body = ctx.body as Record<string, unknown> | undefined;
      if (typeof body === 'object' && body !== null && 'error' in body) {
        ctx.body = {
          ...body,
          ...(error.error_detail ? { error_description: error.error_detail } : {}),
          trace_id: traceId,
        };
      }
    });
  }
}
