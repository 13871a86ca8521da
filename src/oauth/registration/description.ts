// Reads what a client says of itself in the body of a registration, or of a change of it.

import { errors } from 'oidc-provider';
import { readBody } from '../body.ts';
import type { HttpCall } from '../http-call.ts';
import type { Metadata } from '../registration.ts';

/**
 * Throws invalid_request for what is not sent as JSON, invalid_client_metadata for what is no JSON object, and a
 * Refusal for what cannot be read whole.
 */
export async function readDescription({ req }: HttpCall): Promise<Metadata> {
  // A foreign page can send every other type without asking first (Fetch §4.8.1).
  if (!/^application\/json *(;|$)/i.test(req.headers['content-type'] ?? ''))
    throw new errors.InvalidRequest('the Content-Type must be application/json');
  const body = await readBody(req);
  let given: unknown;
  try {
    given = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new errors.InvalidClientMetadata('the request body is not JSON');
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new errors.InvalidClientMetadata('the request body is not a JSON object');
  }
  return given as Metadata;
}
