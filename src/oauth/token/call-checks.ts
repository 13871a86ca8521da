// What grant types ask of a call before anything else.

import { Refusal } from '../../errors.ts';
import type { ClientCaller, TokenCall } from './call.ts';

/** The client that calls; an MCP server may not use grants that are for clients. Throws a Refusal unauthorized_client. */
export function asClient({ caller }: TokenCall): ClientCaller {
  if (caller.kind === 'client') return caller;
  throw new Refusal('This is for clients; an MCP server gets no tokens of its own.', {
    reason: 'not_a_client',
    oauth: 'unauthorized_client',
  });
}

/** `what` ends the sentence that says what it has not registered. Throws a Refusal unauthorized_client. */
export function checkGrantType({ metadata }: ClientCaller, type: string, what = 'for this grant type'): void {
  if ((metadata['grant_types'] as string[] | undefined)?.includes(type)) return;
  throw new Refusal(`This client has not registered ${what}.`, {
    reason: 'grant_type_unregistered',
    oauth: 'unauthorized_client',
  });
}

/** A parameter that must be there. Throws a Refusal, invalid_request unless told. */
export function need(
  fields: Readonly<Record<string, string>>,
  name: string,
  oauth = 'invalid_request',
): string {
  const value = fields[name];
  if (value !== undefined) return value;
  throw new Refusal(`${name} is missing.`, { reason: 'parameter_missing', oauth });
}
