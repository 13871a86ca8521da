// What stands from earlier decisions, when a client asks again: whether it covers the request, and the Grant
// that the engine is shown for it. Each authorization begins a family of its own.

import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Grants } from '../domain/grants.ts';
import type { Asking } from './asking.ts';
import type { EngineClients } from './clients.ts';
import { request } from './request.ts';

export function standingGrants({
  grants,
  clients,
  asking,
}: {
  grants: Grants;
  clients: EngineClients;
  asking: Pick<Asking, 'sheets'>;
}) {
  const resourcesOf = (ctx: KoaContextWithOIDC): string[] => Object.keys(ctx.oidc.resourceServers ?? {});

  const standing = async (ctx: KoaContextWithOIDC) => {
    const accountId = ctx.oidc.session?.accountId;
    const clientId = ctx.oidc.client?.clientId;
    if (!accountId || !clientId) return [];
    const wanted = new Set(resourcesOf(ctx));
    return (await grants.live(accountId, clientId)).filter((grant) => wanted.has(grant.resource));
  };

  /**
   * Whether all that a person would be asked has been allowed already, as of now: a tool that they left out, or that
   * the server has got since, is a question again. In silence, a client that needs it would come back for ever.
   */
  async function covers(ctx: KoaContextWithOIDC): Promise<boolean> {
    const { client, params, session } = ctx.oidc;
    const redirectUri = params?.['redirect_uri'];
    const accountId = session?.accountId;
    if (!client || !accountId || typeof redirectUri !== 'string') return false;
    // OAuth 2.1 §7.3.1: no silence for a client that anybody on this computer, or anybody at all, could be
    const shown = await clients.shown(client.clientId, redirectUri);
    if (!shown?.verified || !redirectUri.startsWith('https://')) return false;
    const metadata = await clients.find(client.clientId);
    if (!metadata) return false;
    const sheets = await asking.sheets({
      accountId,
      client: metadata,
      resources: resourcesOf(ctx),
      scopes: [...ctx.oidc.requestParamScopes],
    });
    if (!sheets) return false;
    return sheets.every(({ before, sheet: { items } }) => {
      if (before?.clientIdentity !== shown.identity) return false;
      return items.length > 0 && items.every(({ isNew, leftOut }) => !isNew && !leftOut);
    });
  }

  return {
    covers,

    /** The Grant of a decision just made, or one made from decisions that cover the whole request. */
    async load(ctx: KoaContextWithOIDC) {
      const { oidc } = ctx;
      const decided = oidc.result?.consent?.grantId;
      if (decided) {
        const grant = await oidc.provider.Grant.find(decided);
        // Of a server of which nothing was allowed there is nothing to issue: the code is for the others alone.
        const family = request().families.get(decided);
        for (const uri of resourcesOf(ctx)) {
          if (family && !family.grants.some((each) => each.resource === uri))
            delete oidc.resourceServers?.[uri];
        }
        return grant;
      }
      // asked for by the client: the person will be asked, so there is nothing to begin yet
      if (oidc.prompts.has('consent') || !(await covers(ctx))) return undefined;
      const grantsThatStand = await standing(ctx);
      const { work, families } = request();
      const id = grants.begin(work, grantsThatStand);
      const first = grantsThatStand[0];
      if (!id || !first) return undefined;
      const { accountId, clientId } = first;
      families.set(id, { id, accountId, clientId, lastUsedAt: null, grants: grantsThatStand });
      return oidc.provider.Grant.find(id);
    },
  };
}

export type StandingGrants = ReturnType<typeof standingGrants>;
