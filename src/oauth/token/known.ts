// Who may authenticate at the token side, by id: registered clients, clients known by a metadata document, and the
// MCP servers, which are registered with their resource. Policy is asked on every use, not only at the door.

import { errors } from 'oidc-provider';
import { type ClientDocuments, isDocumentUrl } from '../../domain/clients/documents.ts';
import type { Clients } from '../../domain/clients.ts';
import type { Resources } from '../../domain/resources.ts';
import { Refusal } from '../../errors.ts';
import { network } from '../network.ts';
import { acceptedMetadata, accepting, type Metadata } from '../registration.ts';
import type { OAuthRequest } from '../request.ts';
import type { AuthenticationMethod, Caller } from './call.ts';

/** What verifies an assertion (RFC 7521): keys given inline or by address, and the algorithm that was registered. */
export type AssertionKeys = { jwks?: unknown; jwksUri?: string; algorithm?: string };

export type Known = {
  caller: Caller;
  method: AuthenticationMethod;
  /** The digest that its secret must have. */
  secretDigest: string | null;
  keys: AssertionKeys;
  /** It has got tokens before. */
  used: boolean;
};

/** What is known of the request before its client is. */
export type Shown = {
  /** It proves itself with an assertion. */
  asserts: boolean;
  /** It is one with which an app may begin that nobody here has let in yet. */
  firstContact: boolean;
};

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function keysOf(metadata: Metadata): AssertionKeys {
  const jwksUri = text(metadata['jwks_uri']);
  const algorithm = text(metadata['token_endpoint_auth_signing_alg']);
  return {
    ...(metadata['jwks'] === undefined ? {} : { jwks: metadata['jwks'] }),
    ...(jwksUri === undefined ? {} : { jwksUri }),
    ...(algorithm === undefined ? {} : { algorithm }),
  };
}

export function knownCallers({
  clients,
  documents,
  resources,
  registration,
}: {
  clients: Clients;
  documents: ClientDocuments;
  resources: Resources;
  registration: { clientIdDocuments: boolean; privateUseSchemes: readonly string[]; deviceCode: boolean };
}) {
  const accepts = accepting(registration);
  const client = (
    id: string,
    metadata: Metadata,
    rest: Pick<Known, 'secretDigest' | 'used'> & {
      origin: 'declared' | 'added' | 'registered' | 'document';
    },
  ): Known => {
    const method = (text(metadata['token_endpoint_auth_method']) ??
      'client_secret_basic') as AuthenticationMethod;
    const { origin, secretDigest, used } = rest;
    const caller: Caller = { kind: 'client', id, method, metadata, origin };
    return { caller, method, secretDigest, keys: keysOf(metadata), used };
  };

  const accepted = new WeakMap<Metadata, Metadata>();

  // What was accepted under another policy, of before or of another setting, is refused under this one.
  function acceptedToday(id: string, metadata: Metadata): Metadata {
    const before = accepted.get(metadata);
    if (before) return before;
    try {
      const found = { ...acceptedMetadata(metadata, accepts), client_id: id };
      accepted.set(metadata, found);
      return found;
    } catch (cause) {
      if (!(cause instanceof errors.OIDCProviderError)) throw cause;
      throw new Refusal(`What this client registered is not accepted any more: ${cause.error_description}.`, {
        reason: 'client_unacceptable',
        status: 401,
        oauth: 'invalid_client',
        cause,
      });
    }
  }

  async function fromDocument(
    request: OAuthRequest,
    url: string,
    { asserts, firstContact }: Shown,
  ): Promise<Known> {
    const accepted = (document: Metadata): Metadata =>
      acceptedMetadata(document, {
        ...accepts,
        document: { host: new URL(url).host, asserts },
      });
    // nobody is being asked anything here, so that an old copy does while the host is down
    const asking = { stale: true, firstContact, from: network(request.ip), check: accepted };
    const { document } = await documents.find(request.work, url, asking);
    const metadata = { ...accepted(document), client_id: url };
    return client(url, metadata, { origin: 'document', secretDigest: null, used: true });
  }

  return {
    /**
     * Who has this id now; undefined when nobody does, or when it is disabled. Throws a Refusal invalid_client when a
     * document cannot be had or is not acceptable, 429 when too many are being asked for.
     */
    async find(request: OAuthRequest, id: string, shown: Shown): Promise<Known | undefined> {
      const resource = resources.ofServer(id);
      if (resource?.server) {
        const caller: Caller = { kind: 'server', id, resource };
        const { id: _id, secretDigest, ...keys } = resource.server;
        const method = secretDigest === null ? 'private_key_jwt' : 'client_secret_basic';
        return { caller, method, secretDigest, keys, used: true };
      }
      if (isDocumentUrl(id)) {
        if (!registration.clientIdDocuments || (await clients.recent(id))?.disabled) return undefined;
        try {
          return await fromDocument(request, id, shown);
        } catch (cause) {
          const refused = cause instanceof Refusal || cause instanceof errors.OIDCProviderError;
          if (
            !refused ||
            (cause instanceof Refusal && (cause.status === 429 || cause.oauth === 'invalid_client'))
          )
            throw cause;
          const why = cause instanceof Refusal ? cause.message : cause.error_description;
          throw new Refusal(`The client's metadata document is not acceptable: ${why}.`, {
            reason: 'client_document',
            oauth: 'invalid_client',
            cause,
          });
        }
      }
      const found = await clients.recent(id);
      if (!found || found.disabled) return undefined;
      const { origin, secretDigest, lastUsedAt } = found;
      const metadata = origin === 'registered' ? acceptedToday(id, found.metadata) : found.metadata;
      return client(id, metadata, { origin, secretDigest, used: lastUsedAt !== null });
    },

    /**
     * Whether a client without a row can still be one: it is known by a document, and those are taken. The document
     * is not asked for: nobody is being asked anything, and its host need not know of every call.
     */
    byDocument: (id: string): boolean =>
      registration.clientIdDocuments && isDocumentUrl(id) && documents.accepts(id),
  };
}

export type KnownCallers = ReturnType<typeof knownCallers>;
