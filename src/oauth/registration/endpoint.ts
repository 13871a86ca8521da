// The registration endpoint (RFC 7591) and the client configuration endpoint (RFC 7592). They own the wire; what is
// acceptable is in ../registration, what is kept in domain/clients/registrations. Called by the host.

import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import type { Work } from '../../domain/audit.ts';
import type { Registration, Registrations } from '../../domain/clients/registrations.ts';
import { Refusal } from '../../errors.ts';
import { remember } from '../../memory.ts';
import type { Metrics } from '../../metrics.ts';
import type { HttpCall } from '../http-call.ts';
import { refuseInJson } from '../refusals.ts';
import { type Accepting, acceptedMetadata, type Metadata, SECRET_METHODS } from '../registration.ts';
import { readDescription } from './description.ts';
import { management, type RegistrationLimit } from './management.ts';

// The ids of unproven clients given out lately: the same registration again is no new one.
const REMEMBERED = 10_000;

export const confidential = (metadata: Metadata): boolean =>
  SECRET_METHODS.includes(String(metadata['token_endpoint_auth_method']));

const PATHS: [pattern: RegExp, methods: string][] = [
  [/^\/register$/, 'POST'],
  [/^\/register\/[\w-]+$/, 'GET, PUT, DELETE'],
];

export function registrationEndpoint({
  registrations,
  issuer,
  accepts,
  limit,
  metrics,
}: {
  registrations: Registrations;
  issuer: string;
  accepts: Accepting;
  limit: RegistrationLimit;
  metrics: Metrics;
}) {
  const givenOut = new Map<string, true>();
  const address = (id: string): string => `${issuer}/register/${id}`;
  const managed = management({ registrations, accepts, limit, address });

  async function count(call: HttpCall, metadata: Metadata, { id, secret }: Registration): Promise<void> {
    const again = secret === undefined && givenOut.has(id);
    if (again || (await registrations.proven(metadata))) return;
    limit.unproven(call);
    if (secret !== undefined) return;
    remember(givenOut, id, true, REMEMBERED);
  }

  async function create(call: HttpCall): Promise<void> {
    const metadata = acceptedMetadata(await readDescription(call), accepts);
    const made = await registrations.register(call.state['work'] as Work, metadata, {
      confidential: confidential(metadata),
    });
    await count(call, metadata, made);
    call.status = 201;
    call.body = {
      client_id: made.id,
      client_id_issued_at: Math.floor(Date.now() / 1000),
      // RFC 7591 §3.2.1: the time "or 0 if it will not expire"
      ...(made.secret === undefined ? {} : { client_secret: made.secret, client_secret_expires_at: 0 }),
      ...(made.management === undefined
        ? {}
        : { registration_access_token: made.management, registration_client_uri: address(made.id) }),
      ...metadata,
    };
  }

  async function answered(call: HttpCall, serve: () => Promise<void>): Promise<void> {
    call.set('Cache-Control', 'no-store'); // RFC 7591 §3.2.1
    try {
      if (['POST', 'PUT'].includes(call.method)) limit.registration(call);
      await serve();
    } catch (error) {
      if (error instanceof Refusal && error.status === 413)
        return refuseInJson(call, error.status, error.oauth, error.message);
      if (!(error instanceof errors.OIDCProviderError)) throw error;
      metrics.refused(error.error);
      refuseInJson(call, error.statusCode, error.error, error.error_description ?? error.message);
    }
  }

  return {
    /** One registration (RFC 7591 §3.1), by POST. */
    register: (call: HttpCall): Promise<void> => answered(call, () => create(call)),

    /** Serves what is a registration's; false for every other path. `path` is relative to the issuer. */
    async handle(ctx: Context, path: string): Promise<boolean> {
      const methods = PATHS.find(([pattern]) => pattern.test(path))?.[1];
      if (methods === undefined) return false;
      if (!methods.split(', ').includes(ctx.method)) {
        ctx.set('Allow', methods);
        refuseInJson(ctx, 405, 'invalid_request', `this address takes ${methods} only`);
        return true;
      }
      await answered(ctx, () =>
        path === '/register' ? create(ctx) : managed(ctx, path.slice('/register/'.length)),
      );
      return true;
    },
  };
}
