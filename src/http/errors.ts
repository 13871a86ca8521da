// Everything that goes wrong leaves through here, once: as a page for a person, as JSON for a program.
// A Refusal is told; anything else is a bug, is logged under the trace id, and is told as nothing but that.

import type { Context } from 'koa';
import { errorPage } from '../../views/error.ts';
import { nameAt } from '../crypto.ts';
import { Refusal } from '../errors.ts';
import { type Log, traced } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { HttpCall } from '../oauth/http-call.ts';
import { explainEngine, explainRefusal } from './explanations.ts';
import { isForPrograms, routeOf } from './paths.ts';
import { pageOf, show } from './view.ts';

const RETRY_SECONDS = '5';

/** What a person can quote, and the log and the record are searched by. */
export const newTraceId = (): string => nameAt(Date.now());
export const TRACE_HEADER = 'Cardea-Trace-Id';

/** Headers that belong to an answer which is not given after all. */
const TAKEN_BACK = ['Set-Cookie', 'Location', 'Content-Type', 'Content-Length', 'ETag', 'WWW-Authenticate'];

type Told = {
  status: number;
  error: string;
  /** Shown on a page, for whoever is asked for help; the OAuth error where there is none. */
  reason?: string;
  message: string;
  hint?: string | undefined;
  title: string;
};

// The engine's own error may be one of ours, wrapped: what was wrong with an app's description is for people too.
const within = (cause: unknown): Refusal | undefined => {
  const inner = cause instanceof Error ? cause.cause : undefined;
  return inner instanceof Refusal ? inner : undefined;
};

/** Koa's and Node's own refusals (a malformed cookie, a path that is no text) are the client's, not bugs. */
const clientError = (error: unknown): number | undefined => {
  const { status, expose } = (error ?? {}) as { status?: unknown; expose?: unknown };
  return typeof status === 'number' && status >= 400 && status < 500 && expose !== false ? status : undefined;
};

// Browsers name text/html; whoever takes anything is a program (and the protocol engine sees it the same way).
const wantsJson = (ctx: Context): boolean => isForPrograms(ctx) || ctx.accepts('json', 'html') !== 'html';

/** `explain` makes a Refusal of a failure that will pass, and hands everything else back as it is. */
export function errors({
  log,
  metrics,
  explain,
}: {
  log: Log;
  metrics: Metrics;
  explain: (error: unknown) => unknown;
}) {
  const seen = new WeakSet<object>();

  /** Logs a bug, once however many hands it goes through. */
  function reportBug(error: unknown, ctx: HttpCall): void {
    if (typeof error === 'object' && error !== null) {
      if (seen.has(error)) return;
      seen.add(error);
    }
    const fault = explain(error);
    // not the path: it can hold an interaction's id or a one-time link
    const at = { method: ctx.method, route: routeOf(ctx) };
    const line = traced(log, String(ctx.state['traceId']));
    if (fault instanceof Refusal) line.error({ err: fault.cause ?? fault, ...at }, fault.message);
    else line.error({ err: error, ...at }, 'a request failed');
  }

  function told(error: unknown, ctx: HttpCall): Told {
    const fault = explain(error);
    if (fault instanceof Refusal) {
      if (fault.status >= 500) reportBug(error, ctx);
      metrics.refused(fault.reason);
      const { status, oauth, reason, message, hint } = fault;
      return { status, error: oauth, reason, message, hint, ...explainRefusal(fault.reason, status) };
    }
    const status = clientError(error);
    if (status) {
      const message = 'The request could not be read.';
      return { status, error: 'invalid_request', message, ...explainRefusal('', status) };
    }
    reportBug(error, ctx);
    metrics.refused('bug');
    const { title, sentence, hint } = explainEngine('server_error', undefined);
    return { status: 500, error: 'server_error', message: sentence, hint, title };
  }

  function inJson(call: HttpCall, { status, error, message }: Told): void {
    call.status = status;
    call.set('Cache-Control', 'no-store');
    call.set('Content-Type', 'application/json; charset=utf-8');
    if (status === 503) call.set('Retry-After', RETRY_SECONDS);
    call.body = { error, error_description: message, trace_id: call.state['traceId'] };
  }

  function answer(ctx: Context, said: Told): void {
    if (said.status === 429 && !ctx.response.get('Retry-After')) ctx.set('Retry-After', RETRY_SECONDS);
    if (wantsJson(ctx)) {
      inJson(ctx, said);
      return;
    }
    const { status, error, reason, message, hint, title } = said;
    ctx.set('Cache-Control', 'no-store');
    if (status === 503) ctx.set('Retry-After', RETRY_SECONDS);
    show(ctx, errorPage(pageOf(ctx), { title, sentence: message, hint, code: reason ?? error }), status);
  }

  return {
    reportBug,

    /** Replaces whatever the answer was by what `error` says. */
    fail(ctx: Context, error: unknown): void {
      for (const name of TAKEN_BACK) ctx.remove(name);
      answer(ctx, told(error, ctx));
    },

    /** The same at an endpoint of programs. */
    failInJson(call: HttpCall, error: unknown): void {
      for (const name of TAKEN_BACK) call.remove(name);
      inJson(call, told(error, call));
    },

    /** For the protocol engine: what it refuses before it knows an app to send the person back to. */
    async renderError(
      ctx: Context,
      { error, error_description: description }: { error: string; error_description?: string | undefined },
      cause: unknown,
    ): Promise<void> {
      if (explain(cause) instanceof Refusal) return answer(ctx, told(cause, ctx));
      if (error === 'server_error') reportBug(cause, ctx);
      const { title, sentence, hint } = explainEngine(error, description);
      const status = ctx.status >= 400 ? ctx.status : 400;
      const ours = within(cause);
      if (ours && !wantsJson(ctx)) return answer(ctx, { ...told(ours, ctx), status });
      const message = wantsJson(ctx) ? (description ?? sentence) : sentence;
      answer(ctx, { status, error, title, hint, message });
    },
  };
}

export type Errors = ReturnType<typeof errors>;
