// Introspection (RFC 7662): who may ask, and an answer that is true now, not when the token was made.

import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Clock } from '../clock.ts';
import { allowedScopes, type Grants } from '../domain/grants.ts';
import type { Resources } from '../domain/resources.ts';
import type { EngineClients } from './clients.ts';
import { artifactKey } from './refresh-tokens.ts';
import { request } from './request.ts';
import { allowedTools } from './resources.ts';

// A connection page that says "a minute ago" is good enough; a write per introspection is not.
const TOUCH_EVERY = 60_000;

type Asked = { kind?: string; aud?: string | string[]; clientId?: string; grantId?: string };

export function introspection({
  resources,
  grants,
  clients,
  clock,
}: {
  resources: Resources;
  grants: Grants;
  clients: EngineClients;
  clock: Clock;
}) {
  return {
    /**
     * RFC 7662 §4: only the MCP server that a token was made for may see it; not the clients, and not a server
     * that registered itself. A token of a client that is gone is nobody's business any more.
     */
    async allowed(callerId: string, token: Asked): Promise<boolean> {
      if (token.kind !== 'AccessToken' || typeof token.aud !== 'string') return false;
      if (resources.find(token.aud)?.server?.id !== callerId) return false;
      const client = await clients.find(token.clientId ?? '').catch(() => undefined);
      return client !== undefined;
    },

    /** What the grant allows today takes the place of what the token was given. */
    answer(ctx: KoaContextWithOIDC): void {
      const body = ctx.body as Record<string, unknown> | undefined;
      if (body?.['active'] !== true) return;
      const { families, work } = request();
      const token = ctx.oidc.entities.AccessToken as Asked | undefined;
      const family = families.get(token?.grantId ?? '');
      const grant = family?.grants.find((each) => each.resource === body['aud']);
      const resource = grant && resources.find(grant.resource);
      if (!family || !grant || !resource) {
        ctx.body = { active: false };
        return;
      }
      const asked = typeof body['scope'] === 'string' ? body['scope'].split(' ') : [];
      const scopes = allowedScopes(grant, asked);
      if (scopes.length === 0) {
        ctx.body = { active: false };
        return;
      }
      const { tools: _frozen, family_id: _family, sid: _sid, ...shown } = body;
      ctx.body = {
        ...shown,
        // an opaque token's own id is the token; what it is stored under names it as well and opens nothing
        jti: shown['jti'] ?? artifactKey('AccessToken', String(ctx.oidc.params?.['token'])),
        scope: scopes.join(' '),
        grant_id: grant.id,
        grant_version: grant.version,
        tools: allowedTools(resource, grant, scopes, { partialOnly: false }),
      };
      if (clock() - (family.lastUsedAt ?? 0) > TOUCH_EVERY) grants.touch(work, family.id);
    },
  };
}

export type Introspection = ReturnType<typeof introspection>;
