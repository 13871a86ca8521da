// Clients as the engine wants them: registered rows and metadata documents.
// Policy is asked on every use, not only at the door, so that a rule made stricter holds for those already in.

import Provider, { errors } from 'oidc-provider';
import { isLoopback } from '../config/loopback.ts';
import { digest } from '../crypto.ts';
import { type ClientDocuments, isDocumentUrl } from '../domain/clients/documents.ts';
import type { Clients } from '../domain/clients.ts';
import { Refusal } from '../errors.ts';
import { network } from './network.ts';
import { acceptedMetadata, accepting, applicationType, type Metadata } from './registration.ts';
import { request } from './request.ts';

export type ClientShown = {
  id: string;
  name: string;
  /** Its identity is proven: the operator entered it, or the code goes back to the host that names it. */
  verified: boolean;
  host?: string;
  uri?: string;
  selfRegistered: boolean;
  /** Changes when it authenticates otherwise, or when codes go elsewhere: then the person is asked anew. */
  identity: string;
};

// draft-ietf-oauth-client-id-metadata-document §6.2: a material change of the metadata asks for consent again.
function identityOf(metadata: Metadata, redirectUri: string): string {
  const redirect = new URL(redirectUri);
  if (isLoopback(redirect.hostname)) redirect.port = '';
  const { client_id: id, jwks, jwks_uri: jwksUri } = metadata;
  const method = metadata['token_endpoint_auth_method'];
  return digest('client identity', JSON.stringify([id, method, jwks, jwksUri, redirect.href]));
}

const ENGINE_GRANTS = ['authorization_code', 'refresh_token'];

// How a client proves itself is asked where programs call, and none of that is the engine's: it is never told.
const PROOF = ['client_secret', 'jwks', 'jwks_uri', 'token_endpoint_auth_signing_alg'];

/** What the engine is told of a client: where its codes go. It takes none that has a grant type it does not know. */
export function forEngine(metadata: Metadata): Metadata {
  const told = Object.fromEntries(Object.entries(metadata).filter(([name]) => !PROOF.includes(name)));
  const grantTypes = (metadata['grant_types'] as string[]).filter((type) => ENGINE_GRANTS.includes(type));
  return { ...told, token_endpoint_auth_method: 'none', grant_types: grantTypes };
}

// Requests at which a document that cannot be fetched just now may be an old copy: nobody is being asked anything.
const settled = (): boolean => !['authorization', 'resume'].includes(Provider.ctx?.oidc?.route ?? '');

export function engineClients({
  clients,
  documents,
  registration,
  letIn,
}: {
  clients: Clients;
  documents: ClientDocuments;
  registration: { clientIdDocuments: boolean; privateUseSchemes: readonly string[]; deviceCode: boolean };
  /** Told when somebody lets in a client for the first time. */
  letIn: () => void;
}) {
  const accepts = accepting(registration);

  async function fromDocument(url: string): Promise<Metadata> {
    const { work, ip } = request();
    const accepted = (document: Metadata) =>
      acceptedMetadata(document, { ...accepts, document: { host: new URL(url).host, asserts: false } });
    try {
      const asking = { stale: settled(), firstContact: true, from: network(ip), check: accepted };
      const { document } = await documents.find(work, url, asking);
      return { ...accepted(document), client_id: url };
    } catch (error) {
      if (!(error instanceof Refusal) || error.status === 429) throw error;
      const { message } = error;
      throw Object.assign(new errors.InvalidClient(message, { cause: error }), {
        error_description: message,
      });
    }
  }

  const accepted = new WeakMap<Metadata, Metadata>();

  // What was accepted under another policy, of before or of another setting, is refused under this one.
  function acceptedToday(metadata: Metadata): Metadata {
    try {
      const found = accepted.get(metadata) ?? acceptedMetadata(metadata, accepts);
      accepted.set(metadata, found);
      return found;
    } catch (error) {
      if (!(error instanceof errors.OIDCProviderError)) throw error;
      const description = `what this client registered is not accepted any more: ${error.error_description}`;
      throw Object.assign(new errors.InvalidClient(description), { error_description: description });
    }
  }

  async function lookUp(id: string): Promise<Metadata | undefined> {
    const client = await clients.recent(id);
    if (client?.disabled) return undefined;
    if (isDocumentUrl(id)) return registration.clientIdDocuments ? fromDocument(id) : undefined;
    if (!client) return undefined;
    return {
      ...(client.origin === 'registered' ? acceptedToday(client.metadata) : client.metadata),
      client_id: id,
      application_type: applicationType(client.metadata['redirect_uris'] as string[]),
    };
  }

  /** The metadata of a client that may be used now, without any secret; looked up once a request. */
  function find(id: string): Promise<Metadata | undefined> {
    const { clients: found } = request();
    const known = found.get(id) ?? lookUp(id);
    found.set(id, known);
    return known as Promise<Metadata | undefined>;
  }

  return {
    find,

    /** Somebody has let the client in; it is kept from now on. */
    async allowed(id: string): Promise<void> {
      const { work, traceId, ip } = request();
      if (isDocumentUrl(id)) return documents.allowed(work, id, network(ip));
      if (await clients.used(work, id, traceId)) letIn();
    },

    /** What a person is shown of a client, and how far it can be believed; undefined for one that may not be used. */
    async shown(id: string, redirectUri: string): Promise<ClientShown | undefined> {
      const metadata = await find(id);
      if (!metadata) return undefined;
      const identity = identityOf(metadata, redirectUri);
      const named = typeof metadata['client_name'] === 'string' ? metadata['client_name'] : undefined;
      const uri = typeof metadata['client_uri'] === 'string' ? { uri: metadata['client_uri'] } : {};
      if (isDocumentUrl(id)) {
        const host = new URL(id).host;
        const redirect = new URL(redirectUri);
        // A document's identity is proven only where the code returns to the host that published it:
        // anybody can start a legitimate client_id with a listener on this computer.
        const verified =
          redirect.protocol === 'https:' && redirect.host === host && !isLoopback(redirect.hostname);
        return { id, name: named ?? host, verified, host, ...uri, selfRegistered: true, identity };
      }
      const client = await clients.recent(id);
      const selfRegistered = client?.origin === 'registered';
      return { id, name: named ?? id, verified: !selfRegistered, ...uri, selfRegistered, identity };
    },
  };
}

export type EngineClients = ReturnType<typeof engineClients>;
