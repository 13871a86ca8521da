// Tokens: what they carry, how long they live, and what is written down when they are issued.

import type { KoaContextWithOIDC } from 'oidc-provider';
import { type Clock, seconds } from '../clock.ts';
import type { Lifetimes } from '../config.ts';
import type { Audit } from '../domain/audit.ts';
import type { Grant, Grants } from '../domain/grants.ts';
import type { Resources } from '../domain/resources.ts';
import { request } from './request.ts';
import { allowedTools } from './resources.ts';

type Issued = {
  grantId?: string;
  aud?: string | string[];
  scope?: string;
  exp?: number;
  expiration?: number;
};

export function tokens({
  resources,
  grants,
  audit,
  clock,
  lifetimes,
}: {
  resources: Resources;
  grants: Grants;
  audit: Audit;
  clock: Clock;
  lifetimes: Lifetimes;
}) {
  function grantFor(token: Issued): Grant | undefined {
    const family = token.grantId === undefined ? undefined : request().families.get(token.grantId);
    return family?.grants.find((grant) => grant.resource === token.aud);
  }

  return {
    /** Beside what RFC 9068 §2.2 demands: the decision, its version, and the tools where only a part was allowed. */
    claims(token: Issued): Record<string, unknown> | undefined {
      const grant = grantFor(token);
      const resource = grant && resources.find(grant.resource);
      if (!grant || !resource) return undefined;
      const tools = allowedTools(resource, grant, (token.scope ?? '').split(' '), { partialOnly: true });
      return {
        grant_id: grant.id,
        grant_version: grant.version,
        family_id: token.grantId,
        ...(tools ? { tools } : {}),
      };
    },

    /** Seconds a refresh token lives if unused; never longer than the decision it hangs from. */
    refreshLife(token: Issued): number {
      const family = token.grantId === undefined ? undefined : request().families.get(token.grantId);
      const until = Math.max(0, ...(family?.grants.map((grant) => grant.expiresAt) ?? []));
      const left = until === 0 ? lifetimes.refreshIdle : seconds(until) - seconds(clock());
      return Math.max(1, Math.min(lifetimes.refreshIdle, left));
    },

    /** Tokens are about to leave: the family's use and the audit record join the commit. */
    issued(ctx: KoaContextWithOIDC): void {
      const { work, traceId } = request();
      const token = ctx.oidc.entities.AccessToken as Issued | undefined;
      if (!token?.grantId) return;
      const life = (ctx.body as { expires_in?: number } | undefined)?.expires_in ?? token.expiration ?? 0;
      grants.use(work, token.grantId, clock() + life * 1000);
      const grant = grantFor(token);
      audit.record(work, {
        action: ctx.oidc.params?.['grant_type'] === 'refresh_token' ? 'token.refreshed' : 'token.issued',
        accountId: ctx.oidc.entities.Account?.accountId,
        clientId: ctx.oidc.client?.clientId,
        resource: grant?.resource,
        grantId: grant?.id,
        familyId: token.grantId,
        traceId,
      });
    },
  };
}

export type Tokens = ReturnType<typeof tokens>;
