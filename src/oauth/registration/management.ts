// Dynamic client registration management (RFC 7592): a client with a registration of its own reads, replaces and
// withdraws it. Nothing that it was not told by this token is told, and no secret is ever told twice.

import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import type { Work } from '../../domain/audit.ts';
import type { Registrations } from '../../domain/clients/registrations.ts';
import { type Client, secretIs } from '../../domain/clients.ts';
import { Refusal } from '../../errors.ts';
import type { HttpCall } from '../http-call.ts';
import { refuseInJson } from '../refusals.ts';
import { type Accepting, acceptedMetadata, type Metadata, SECRET_METHODS } from '../registration.ts';
import { readDescription } from './description.ts';

/** How often clients may register: asked with the request that would be one more. Throws a Refusal 429. */
export type RegistrationLimit = {
  /** Any registration, or change of one, before it is read. */
  registration(call: HttpCall): void;
  /** A registration, or a change, of a kind of client that nobody has let in yet. */
  unproven(call: HttpCall): void;
  /** One of those was let in after all. */
  letIn(): void;
};

// RFC 7592 §2.2: "The client MUST NOT include the 'registration_access_token', 'registration_client_uri',
// 'client_secret_expires_at', or 'client_id_issued_at' fields".
const NOT_THE_CLIENTS = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
];

const wrong = (what: string) => new errors.InvalidClientMetadata(what);

export function management({
  registrations,
  accepts,
  limit,
  address,
}: {
  registrations: Registrations;
  accepts: Accepting;
  limit: RegistrationLimit;
  /** Where the registration of a client is managed. */
  address: (id: string) => string;
}) {
  // RFC 7592 §3; the secret is left out, which only the registration itself told
  function tell(ctx: Context, client: Client, metadata: Metadata, token: string): void {
    ctx.status = 200;
    ctx.body = {
      ...metadata,
      client_id: client.id,
      ...(client.createdAt === null ? {} : { client_id_issued_at: Math.floor(client.createdAt / 1000) }),
      registration_access_token: token,
      registration_client_uri: address(client.id),
    };
  }

  async function replacement(ctx: Context, client: Client): Promise<Metadata> {
    const given = await readDescription(ctx);
    for (const name of NOT_THE_CLIENTS) {
      if (given[name] !== undefined) throw new errors.InvalidRequest(`${name} is not the client's to say`);
    }
    if (given['client_id'] !== client.id) throw wrong('client_id must be the one that was issued');
    // RFC 7592 §2.2: a client_secret "MUST match the currently issued client secret"
    const secret = given['client_secret'];
    if (secret !== undefined) {
      const matches =
        typeof secret === 'string' && client.secretDigest && secretIs(client.secretDigest, secret);
      if (!matches) throw wrong('client_secret is not the one that was issued');
    }
    const metadata = acceptedMetadata(given, accepts);
    // A secret cannot be given back: whoever will not prove itself by one is another client.
    if (!SECRET_METHODS.includes(String(metadata['token_endpoint_auth_method']))) {
      throw wrong('token_endpoint_auth_method can only be another one with a secret; register anew instead');
    }
    return metadata;
  }

  /** Serves one request for the registration of `id`. Only the Authorization header is read (RFC 6750 §2.1). */
  return async function serve(ctx: Context, id: string): Promise<void> {
    const [, token = ''] = /^Bearer +([\w~+/.-]+=*)$/i.exec(ctx.get('Authorization')) ?? [];
    const work = ctx.state['work'] as Work;
    const traceId = String(ctx.state['traceId']);
    let client: Client;
    try {
      client = await registrations.managed(id, token);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // RFC 6750 §3: without any token no error code, and in either case the challenge
      ctx.set('WWW-Authenticate', token === '' ? 'Bearer' : 'Bearer error="invalid_token"');
      return refuseInJson(ctx, error.status, error.oauth, error.message);
    }
    if (ctx.method === 'DELETE') {
      registrations.withdraw(work, client, traceId);
      ctx.status = 204;
      return;
    }
    if (ctx.method === 'GET') return tell(ctx, client, acceptedMetadata(client.metadata, accepts), token);
    const metadata = await replacement(ctx, client);
    if (!(await registrations.proven(metadata))) limit.unproven(ctx);
    registrations.update(work, client, metadata, traceId);
    tell(ctx, client, metadata, token);
  };
}
