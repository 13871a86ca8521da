// The endpoints that programs call with credentials: reads the form, finds out who asks, lets the work be done, and
// says what was refused, in OAuth's words (RFC 6749 §5.2), with a record of it.

import type { Audit } from '../../domain/audit.ts';
import type { Clients } from '../../domain/clients.ts';
import { Refusal } from '../../errors.ts';
import type { Metrics } from '../../metrics.ts';
import { type Dpop, invalidProof } from '../dpop.ts';
import { TOKEN_EXCHANGE } from '../grants/token-exchange.ts';
import type { HttpCall } from '../http-call.ts';
import { refuseInJson } from '../refusals.ts';
import { type OAuthRequest, oauthRequest } from '../request.ts';
import type { Authenticate } from './authentication.ts';
import type { GrantType, TokenCall } from './call.ts';
import { asClient, checkGrantType, need } from './call-checks.ts';
import { readForm } from './form.ts';

/** What an MCP server may ask for as itself (RFC 8693). */
const FOR_SERVERS = [TOKEN_EXCHANGE];

export function programEndpoints({
  issuer,
  authenticate,
  resourceUri,
  audit,
  metrics,
}: {
  issuer: string;
  authenticate: Authenticate;
  /** A resource as the registry writes it, or undefined. */
  resourceUri: (sent: string) => string | undefined;
  audit: Audit;
  metrics: Metrics;
}) {
  function refuse(ctx: HttpCall, request: OAuthRequest, action: string, refusal: Refusal): void {
    const { status, oauth, message, reason, members } = refusal;
    const { work, traceId, clientId, accountId } = request;
    metrics.refused(reason);
    // A stranger must not fill the record, nor somebody who is made to wait.
    if (clientId !== undefined && status !== 429) {
      audit.record(work, {
        action,
        outcome: 'refused',
        reason: oauth,
        clientId,
        accountId,
        traceId,
        detail: { why: message },
      });
    }
    if (status === 401) ctx.set('WWW-Authenticate', `Basic realm="${issuer}", error="${oauth}"`); // RFC 6749 §5.2
    if (status === 429) ctx.set('Retry-After', '60');
    refuseInJson(ctx, status, oauth, message, members);
  }

  return {
    /**
     * An endpoint that does `serve`; `refused` is how the record calls it when it was refused. `dpop` reads the proof
     * that came along, `done` hears of what is durable, `written` has the last word on the body. `firstContact`: an app
     * may begin here that nobody has let in yet.
     */
    endpoint: (
      refused: string,
      serve: (call: TokenCall, used: boolean) => Promise<unknown>,
      more: {
        dpop?: Dpop;
        firstContact?: boolean;
        done?: (call: TokenCall) => void;
        written?: (ctx: HttpCall, call: TokenCall, answer: unknown) => unknown;
      } = {},
    ) =>
      async function answer(ctx: HttpCall): Promise<void> {
        const request = oauthRequest(ctx.state);
        ctx.set('Cache-Control', 'no-store'); // RFC 6749 §5.1
        try {
          const { fields, resources } = await readForm(ctx);
          const { authorization } = ctx.req.headers;
          const { caller, used } = await authenticate(
            request,
            authorization,
            fields,
            more.firstContact ?? false,
          );
          const named = resources.map((uri) => resourceUri(uri) ?? uri);
          // not before the caller is known: a stranger's proofs are not remembered
          const dpop = await more.dpop?.verify(ctx, request.work);
          const call = { fields, resources: [...new Set(named)], caller, request, ...(dpop ? { dpop } : {}) };
          const answer = await serve(call, used);
          // Here and not on the way out: whoever loses a race is told so in OAuth's words too, and it is on record.
          await request.work.commit();
          more.done?.(call);
          ctx.body = more.written ? more.written(ctx, call, answer) : answer;
        } catch (error) {
          if (!(error instanceof Refusal) || error.status >= 500) throw error;
          refuse(ctx, request, refused, error);
        }
      },
  };
}

/** The token endpoint's work (RFC 6749 §3.2): the grant type that is asked for, if the caller may use it. */
export function tokenRequests({
  grantTypes,
  clients,
}: {
  grantTypes: Readonly<Record<string, GrantType>>;
  clients: Pick<Clients, 'used'>;
}) {
  return async function serve(call: TokenCall, used: boolean) {
    const type = need(call.fields, 'grant_type');
    const grant = Object.hasOwn(grantTypes, type) ? grantTypes[type] : undefined;
    if (!grant) {
      throw new Refusal('This server does not have this grant type.', {
        reason: 'grant_type_unsupported',
        oauth: 'unsupported_grant_type',
      });
    }
    if (call.caller.kind === 'client' || !FOR_SERVERS.includes(type)) {
      const client = asClient(call);
      checkGrantType(client, type);
      // RFC 9449 §5.2: "MUST reject token requests from the client that do not contain the DPoP header"
      if (client.metadata['dpop_bound_access_tokens'] === true && !call.dpop)
        throw invalidProof('is missing');
    }
    const answer = await grant(call);
    if (!used) await clients.used(call.request.work, call.caller.id, call.request.traceId);
    return answer;
  };
}
