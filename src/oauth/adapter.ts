// oidc-provider's seven verbs, turned into pending writes of the request and reads of the artifact store. It keeps
// sessions and interactions here and makes codes; what becomes of a code, and every token, is the token side's.
// An id never reaches the database: the row key is its digest, and the payload is scrubbed of it.

import { type AdapterPayload, errors } from 'oidc-provider';
import type { Clock } from '../clock.ts';
import type { Accounts } from '../domain/accounts.ts';
import type { Grants } from '../domain/grants.ts';
import { Refusal } from '../errors.ts';
import type { ArtifactRow, ArtifactStore, HeldRow } from '../storage/artifacts.ts';
import { type EngineClients, forEngine } from './clients.ts';
import { grantView } from './grant-view.ts';
import { artifactKey } from './refresh-tokens.ts';
import { request } from './request.ts';

type Payload = AdapterPayload & Record<string, unknown>;

// JSON.stringify never escapes a slash, so no value can look like this.
const HIDDEN = '\\/id\\/';

// The id also hides inside values (an interaction's returnTo), so the whole text is scrubbed, not one member.
// Ids are base64url, so that they stand in JSON as they are.
function scrubbed(id: string, { jti: _jti, ...payload }: Payload): string {
  const session = payload['session'];
  if (typeof session === 'object' && session !== null && 'cookie' in session) {
    const { cookie: _cookie, ...kept } = session; // the session's own id, which nothing reads back
    payload['session'] = kept;
  }
  return JSON.stringify(payload).replaceAll(id, HIDDEN);
}

const restored = (id: string, stored: string): Payload => ({
  ...JSON.parse(stored.replaceAll(HIDDEN, id)),
  jti: id,
});

const answered = (): Refusal =>
  new Refusal('This page was answered already, perhaps in another window.', {
    reason: 'interaction_expired',
    hint: 'Look at the app: it may be connected. If it is not, start the connection again there.',
  });

// Nothing is used up or revoked by the engine: its own token endpoint is never reached.
const unasked = async (): Promise<never> => {
  throw new Error('the engine was to have nothing to do with tokens');
};
const UNASKED = { findByUserCode: unasked, consume: unasked, revokeByGrantId: unasked };

/** The store of codes and tokens, and a row of it, for the rest of this room. */
export type Artifacts = ArtifactStore;
export type { ArtifactRow, HeldRow };

export type AdapterNeeds = {
  store: ArtifactStore;
  accounts: Pick<Accounts, 'signedIn'>;
  grants: Grants;
  clients: EngineClients;
  clock: Clock;
};

export function adapterFor({ store, accounts, grants, clients, clock }: AdapterNeeds) {
  /** A session whose sign-in was ended is none, wherever it is asked for. */
  async function over({ accountId, loginTs }: Payload): Promise<boolean> {
    if (typeof accountId !== 'string') return false;
    const account = await accounts.signedIn(accountId, Number(loginTs ?? 0) * 1000);
    if (account) request().accounts.set(accountId, account);
    return account === undefined;
  }

  function row(model: string, id: string, payload: Payload, expiresIn: number | undefined): ArtifactRow {
    // a code goes by the name of the session that it was given in
    const uid = model === 'AuthorizationCode' ? payload['sessionUid'] : payload['uid'];
    return {
      key: artifactKey(model, id),
      model,
      payload: scrubbed(id, payload),
      familyId: typeof payload['grantId'] === 'string' ? payload['grantId'] : null,
      uid: typeof uid === 'string' ? artifactKey('uid', uid) : null,
      expiresAt: expiresIn === undefined ? null : clock() + expiresIn * 1000,
      consumedAt: null,
    };
  }

  /** A code remembers how its client proves itself, which is not the engine's to know: token/reuse.ts asks. */
  async function withMethod(payload: Payload): Promise<Payload> {
    const method = (await clients.find(String(payload['clientId'])))?.['token_endpoint_auth_method'];
    return method === 'none' ? payload : { ...payload, method };
  }

  async function read(key: string): Promise<ArtifactRow | undefined> {
    const { overlay } = request().work;
    return overlay.has(key) ? (overlay.get(key) as ArtifactRow | undefined) : store.find(key);
  }

  function artifacts(model: string) {
    return {
      async upsert(id: string, payload: Payload, expiresIn?: number): Promise<void> {
        const { work, found } = request();
        const told = model === 'AuthorizationCode' ? await withMethod(payload) : payload;
        const made = row(model, id, told, expiresIn);
        const known = found.has(made.key);
        work.overlay.set(made.key, made);
        // Answered or signed out meanwhile, in another window: that must not be undone.
        if (known && model === 'Interaction')
          work.add({ ...store.replace(made), must: true, lost: async () => answered() });
        else work.add(known ? store.replace(made) : store.upsert(made));
      },

      async find(id: string): Promise<Payload | undefined> {
        const key = artifactKey(model, id);
        const found = await read(key);
        if (!found || found.model !== model) return undefined;
        // What has run out is not there, whether it has been swept away yet or not.
        if (found.expiresAt !== null && found.expiresAt <= clock()) return undefined;
        const payload = restored(id, found.payload);
        if (model === 'Session' && (await over(payload))) return undefined;
        request().found.add(key);
        return payload;
      },

      async findByUid(uid: string): Promise<Payload | undefined> {
        const found = await store.findByUid(model, artifactKey('uid', uid));
        // the session's id cannot be had from its digest, and whoever asks by uid only compares the account
        const payload: Payload | undefined = found && JSON.parse(found.payload);
        return payload && !(await over(payload)) ? payload : undefined;
      },

      async destroy(id: string): Promise<void> {
        const { work } = request();
        const key = artifactKey(model, id);
        work.overlay.set(key, undefined);
        // Answered once: of two resumptions of one interaction, one goes on and the other made nothing.
        if (model === 'Interaction') work.add({ ...store.take(key), lost: async () => answered() });
        else work.add(store.remove(key));
      },

      ...UNASKED,
    };
  }

  // The engine's Grant is a view of a family and the grants it hangs from; nothing is stored in its name.
  const grantViews = {
    async upsert(): Promise<void> {},
    async find(familyId: string): Promise<Payload | undefined> {
      const { families } = request();
      if (!families.has(familyId)) families.set(familyId, await grants.family(familyId));
      const family = families.get(familyId);
      return family && (grantView(family) as Payload);
    },
    async findByUid(): Promise<undefined> {},
    async destroy(): Promise<void> {}, // families end by the domain's verbs
    ...UNASKED,
  };

  const registered = {
    async upsert(): Promise<void> {
      throw new errors.InvalidRequest('clients register at an endpoint of ours');
    },
    find: async (id: string): Promise<Payload | undefined> => {
      const metadata = await clients.find(id);
      return metadata && (forEngine(metadata) as Payload);
    },
    async findByUid(): Promise<undefined> {},
    async destroy(): Promise<void> {
      throw new errors.InvalidRequest('clients are removed by the operator');
    },
    ...UNASKED,
  };

  return (model: string) => {
    if (model === 'Client') return registered;
    if (model === 'Grant') return grantViews;
    return artifacts(model);
  };
}
