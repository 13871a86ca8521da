// Token exchange (RFC 8693): an MCP server, as itself, gets a short-lived token of an upstream for the person whose
// token it was shown. It decides whether it may; the vault has the tokens. Nothing else is ever exchanged here.

import type { Clock } from '../../clock.ts';
import type { UpstreamUse } from '../../config.ts';
import type { Audit } from '../../domain/audit.ts';
import { below, type Policy } from '../../domain/policy.ts';
import { upstreamUse } from '../../domain/resources.ts';
import type { Upstreams } from '../../domain/upstream.ts';
import type { ConnectLinks } from '../../domain/vault/links.ts';
import { connectRequired } from '../../domain/vault/refusals.ts';
import type { Vault } from '../../domain/vault.ts';
import { Refusal } from '../../errors.ts';
import type { AccessTokens, SeenToken, Standing } from '../token/access-tokens.ts';
import type { GrantType, ServerCaller, TokenCall } from '../token/call.ts';
import { need } from '../token/call-checks.ts';
import { words } from '../token/kept.ts';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

const invalid = (message: string, reason: string): Refusal => new Refusal(message, { reason });

// RFC 8693 §2.2.2: "The value of the error parameter MUST be the invalid_request error code", and what is wrong with
// somebody's token is nobody's business
const notGood = (): Refusal =>
  invalid('The subject_token is not a token for this server that counts.', 'subject_token_refused');

const noTarget = (message: string): Refusal =>
  new Refusal(message, { reason: 'upstream_not_for_server', oauth: 'invalid_target' });

function asServer({ caller }: TokenCall): ServerCaller {
  if (caller.kind === 'server') return caller;
  throw new Refusal('Only an MCP server, registered with its resource, may exchange a token.', {
    reason: 'not_a_server',
    oauth: 'unauthorized_client',
  });
}

function checkForm({ fields, resources }: TokenCall): { token: string; upstream: string } {
  if (need(fields, 'subject_token_type') !== ACCESS_TOKEN)
    throw invalid(`subject_token_type must be ${ACCESS_TOKEN}.`, 'subject_token_type');
  if ((fields['requested_token_type'] ?? ACCESS_TOKEN) !== ACCESS_TOKEN)
    throw invalid(`requested_token_type can only be ${ACCESS_TOKEN}.`, 'requested_token_type');
  if (fields['actor_token'] !== undefined || fields['actor_token_type'] !== undefined)
    throw invalid('The actor is whoever authenticates; an actor_token says nothing more.', 'actor_token');
  if (resources.length > 0) throw noTarget('An upstream is named by audience, not by resource.');
  return { token: need(fields, 'subject_token'), upstream: need(fields, 'audience') };
}

export function tokenExchange({
  issuer,
  accessTokens,
  upstreams,
  vault,
  links,
  policy,
  audit,
  clock,
}: {
  issuer: string;
  accessTokens: AccessTokens;
  upstreams: Upstreams;
  vault: Vault;
  links: ConnectLinks;
  policy: Policy;
  audit: Audit;
  clock: Clock;
}): GrantType {
  /** The person's token: for this very server, and counting as of now. */
  async function subject(caller: ServerCaller, token: string): Promise<{ seen: SeenToken } & Standing> {
    const seen = await accessTokens.read(token);
    const standing = seen && (await accessTokens.standing(seen));
    if (!standing || standing.resource.server?.id !== caller.id) throw notGood();
    // of somebody who has left a group since, less is true now than when the token was made
    const { family, resource, grant, scopes } = standing;
    const left = below(await policy.ceilingFor(family.accountId, resource), grant);
    if (!scopes.some((scope) => left.scopes.includes(scope))) throw notGood();
    return { seen, ...standing };
  }

  /** What this server may have of the upstream: all that is configured, or what of it was asked for. */
  function wanted(name: string, use: UpstreamUse | undefined, asked: string | undefined): string[] {
    const upstream = use && upstreams.find(name);
    if (!upstream) throw noTarget(`This server has no upstream ${JSON.stringify(name)}.`);
    if (!upstream.connector) return [];
    const { vault: offered } = upstream.declaration;
    if (!offered) throw noTarget(`${name} is for signing in only.`);
    const most = use.scopes.length > 0 ? use.scopes : offered.scopes;
    if (asked === undefined) return most;
    const some = words(asked).filter((scope) => most.includes(scope));
    if (some.length > 0) return some;
    throw new Refusal(`None of these scopes of ${name} is for this server.`, {
      reason: 'upstream_scope',
      oauth: 'invalid_scope',
    });
  }

  /** The same refusal, with the address at which the person can help. */
  function withLink(call: TokenCall, to: Parameters<ConnectLinks['make']>[1], refusal: Refusal): Refusal {
    const token = links.make(call.request.work, to);
    const { message, reason, status, oauth, hint } = refusal;
    const members = { connect_uri: `${issuer}/connect/${token}` };
    return new Refusal(message, { reason, status, oauth, ...(hint && { hint }), members });
  }

  return async function exchange(call) {
    const server = asServer(call);
    const { token, upstream } = checkForm(call);
    const { seen, family, grant, resource } = await subject(server, token);
    const { request } = call;
    request.accountId = family.accountId;
    const use = upstreamUse(resource, upstream);
    const scopes = wanted(upstream, use, call.fields['scope']);
    const { accountId } = family;
    const whose = { accountId, grantId: grant.id, upstream };
    try {
      if (!grant.upstreams.includes(upstream)) {
        throw connectRequired('upstream_not_allowed', `This person has not allowed the use of ${upstream}.`);
      }
      const given = await vault.deliver(request.work, {
        ...whose,
        scopes,
        whole: use?.wholeToken ?? false,
        familyId: family.id,
      });
      const until = Math.min(seen.exp * 1000, given.expiresAt ?? Number.POSITIVE_INFINITY);
      const expiresIn = Math.floor((until - clock()) / 1000);
      if (expiresIn < 1) throw notGood();
      audit.record(request.work, {
        action: 'upstream.token_delivered',
        accountId,
        clientId: seen.clientId,
        resource: resource.uri,
        grantId: grant.id,
        familyId: family.id,
        traceId: request.traceId,
        // RFC 8693 §1.1, delegation: the server acts for the person
        detail: {
          upstream,
          connection: given.connectionId,
          actor: server.id,
          scopes,
          token: seen.id,
          expiresIn,
        },
      });
      return {
        access_token: given.accessToken,
        issued_token_type: ACCESS_TOKEN,
        token_type: given.tokenType.toLowerCase() === 'bearer' ? 'Bearer' : given.tokenType,
        expires_in: expiresIn,
        ...(given.scopes.length > 0 && { scope: given.scopes.join(' ') }),
      };
    } catch (error) {
      if (error instanceof Refusal && error.oauth === 'connect_required') throw withLink(call, whose, error);
      throw error;
    }
  };
}
