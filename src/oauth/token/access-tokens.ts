// Access tokens as they come back: whether one is ours, what it says, and what of that still holds.
// Called where a token is asked about, handed back, or exchanged.

import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import type { Clock } from '../../clock.ts';
import { digest } from '../../crypto.ts';
import { ceilingOf } from '../../domain/clients/declared.ts';
import type { Clients } from '../../domain/clients.ts';
import { allowedScopes, type Family, type Grant, type Grants } from '../../domain/grants.ts';
import { type Resource, type Resources, scopeOf } from '../../domain/resources.ts';
import { remember } from '../../memory.ts';
import type { Artifacts, HeldRow } from '../adapter.ts';
import { artifactKey } from '../refresh-tokens.ts';
import { type HeldAccessToken, words } from './kept.ts';
import type { KnownCallers } from './known.ts';
import { type MachineStanding, machineStanding } from './machine.ts';

/** A token of ours that has not run out; nothing is said yet of whether it still counts. */
export type SeenToken = {
  format: 'jwt' | 'opaque';
  /** `jti`; of an opaque token the digest that it is kept under, which names it and opens nothing. */
  id: string;
  accountId: string;
  clientId: string;
  /** Absent when no person stands behind it: it is the client's own. */
  familyId?: string;
  /** `aud`. */
  resource: string;
  scopes: string[];
  /** Seconds since the epoch. */
  iat: number;
  exp: number;
  jkt?: string;
  /** Of an opaque one, which is looked up anyway: what it hangs from, as of then. */
  behind?: HeldRow['behind'];
};

/** What stands behind a token that counts, as of now. */
export type Standing = { family: Family; grant: Grant; resource: Resource; scopes: string[] };

const ALGORITHMS = ['ES256', 'RS256', 'EdDSA'];
const MOST_REMEMBERED = 10_000;

const isString = (value: unknown): value is string => typeof value === 'string';

export function accessTokens({
  issuer,
  publicKeys,
  store,
  grants,
  resources,
  known,
  clients,
  clock,
}: {
  issuer: string;
  /** Every key that is published; another object when one of them has changed. */
  publicKeys: () => JSONWebKeySet;
  store: Artifacts;
  grants: Grants;
  resources: Resources;
  known: KnownCallers;
  clients: Pick<Clients, 'find'>;
  clock: Clock;
}) {
  // A server asks about one token many times; its signature is verified the first time, by the keys of that time.
  let verified = new Map<string, SeenToken>();
  // Of an opaque one the row is asked for every time, and is another object once anything may have changed.
  const opaque = new WeakMap<HeldRow, SeenToken>();
  let built: { from: JSONWebKeySet; find: ReturnType<typeof createLocalJWKSet> } | undefined;

  function keys() {
    const from = publicKeys();
    if (built?.from !== from) {
      built = { from, find: createLocalJWKSet(from) };
      verified = new Map();
    }
    return built.find;
  }

  async function verify(token: string): Promise<SeenToken | 'over' | undefined> {
    try {
      const { payload } = await jwtVerify(token, keys(), {
        issuer,
        typ: 'at+jwt', // RFC 9068 §4: no other kind of token is an access token
        algorithms: ALGORITHMS,
        requiredClaims: ['jti', 'exp', 'iat', 'aud', 'sub'],
        currentDate: new Date(clock()),
      });
      const {
        jti,
        sub,
        aud,
        iat = 0,
        exp = 0,
        client_id: clientId,
        family_id: familyId,
        scope,
        cnf,
      } = payload;
      if (!isString(jti) || !isString(sub) || !isString(aud)) return undefined;
      if (!isString(clientId) || !(isString(familyId) || sub === clientId)) return undefined;
      const family = isString(familyId) ? { familyId } : {};
      const seen = { id: jti, accountId: sub, clientId, ...family, resource: aud, iat, exp };
      const jkt = (cnf as { jkt?: string } | undefined)?.jkt;
      const scopes = words(isString(scope) ? scope : '');
      return { format: 'jwt', ...seen, scopes, ...(jkt === undefined ? {} : { jkt }) };
    } catch (error) {
      // RFC 7662 §2.2: what is wrong with a token is not told; it is inactive. jose looks at `exp` last.
      return error instanceof errors.JWTExpired ? 'over' : undefined;
    }
  }

  async function readJwt(token: string): Promise<SeenToken | 'over' | undefined> {
    keys();
    const name = digest('access token', token);
    const before = verified.get(name);
    if (before) return before.exp * 1000 > clock() ? before : 'over';
    const seen = await verify(token);
    if (!seen || seen === 'over') return seen;
    remember(verified, name, seen, MOST_REMEMBERED);
    return seen;
  }

  function seenIn({ row: { key: id, familyId, payload }, behind }: HeldRow): SeenToken | undefined {
    const { aud, scope, ...held } = JSON.parse(payload) as HeldAccessToken;
    if (familyId === null && held.accountId !== held.clientId) return undefined;
    const family = familyId === null ? {} : { familyId };
    return { format: 'opaque', id, ...family, resource: aud, scopes: words(scope), ...held, behind };
  }

  async function readOpaque(token: string): Promise<SeenToken | 'over' | undefined> {
    const found = await store.recall(artifactKey('AccessToken', token));
    if (found?.row.model !== 'AccessToken') return undefined;
    const { expiresAt } = found.row;
    if (expiresAt !== null && expiresAt <= clock()) return 'over';
    const seen = opaque.get(found) ?? seenIn(found);
    if (seen) opaque.set(found, seen);
    return seen;
  }

  /** The token; 'over' for one that was given out and has run out; undefined for one that never was, as far as is known. */
  const look = (token: string): Promise<SeenToken | 'over' | undefined> =>
    token.split('.').length === 3 ? readJwt(token) : readOpaque(token);

  return {
    look,

    /** The token, if it is an access token that this server gave out and that has not run out. */
    async read(token: string): Promise<SeenToken | undefined> {
      const seen = await look(token);
      return seen === 'over' ? undefined : seen;
    },

    /** What holds of it now; undefined once it, its family, grant, account, client or resource is not there any more. */
    async standing(seen: SeenToken): Promise<Standing | undefined> {
      const resource = resources.find(seen.resource);
      if (!resource || seen.familyId === undefined) return undefined;
      const found = seen.behind ? grants.behindOf(seen.behind) : await grants.behind(seen.familyId, seen.id);
      const client = found?.client ?? (known.byDocument(seen.clientId) ? {} : undefined);
      if (!found || !client) return undefined;
      const { family } = found;
      if (family.clientId !== seen.clientId || family.accountId !== seen.accountId) return undefined;
      const grant = family.grants.find((each) => each.resource === seen.resource);
      if (!grant) return undefined;
      const ceiling = ceilingOf(client, seen.resource);
      const scopes = allowedScopes(grant, seen.scopes).filter(
        (name) => scopeOf(resource, name) && (ceiling?.includes(name) ?? true),
      );
      return scopes.length === 0 ? undefined : { family, grant, resource, scopes };
    },

    /** The same of a token that no person stands behind; undefined for every other. */
    async machineStanding(seen: SeenToken): Promise<MachineStanding | undefined> {
      const resource = resources.find(seen.resource);
      if (!resource || seen.familyId !== undefined) return undefined;
      const [revoked, client] = await Promise.all([
        seen.format === 'jwt' && grants.isRevoked(seen.id),
        clients.find(seen.clientId),
      ]);
      if (revoked || !client || client.disabled) return undefined;
      return machineStanding(client.metadata, resource, seen.scopes);
    },
  };
}

export type AccessTokens = ReturnType<typeof accessTokens>;
