// The ways in which the vault has nothing to give.

import { Refusal } from '../../errors.ts';

/** Only the person can help: by connecting, or by connecting again. */
export const connectRequired = (reason: string, sentence: string): Refusal =>
  new Refusal(sentence, { reason, oauth: 'connect_required', hint: 'Open the address in connect_uri.' });

export const notConnected = (upstream: string): Refusal =>
  connectRequired('upstream_not_connected', `This person has not connected ${upstream} yet.`);

/** The upstream does not answer, or is being asked; the same request may succeed a little later. */
export const later = (reason: string, sentence: string, cause?: unknown): Refusal =>
  new Refusal(sentence, {
    reason,
    status: 503,
    oauth: 'temporarily_unavailable',
    hint: 'Try again in a few seconds.',
    cause,
  });

export const tooWide = (upstream: string): Refusal =>
  new Refusal(
    `The token of ${upstream} can do more than was asked for, and ${upstream} gives no smaller one.`,
    {
      reason: 'upstream_scope_too_wide',
      oauth: 'invalid_scope',
      hint: 'The operator can allow it with `whole_token: true` at this upstream of the resource.',
    },
  );

export const gone = (): Refusal =>
  new Refusal('There is no such connection, or it has ended already.', {
    reason: 'upstream_connection_unknown',
    status: 404,
  });

/** It was changed by somebody else while this request decided. */
export const overtaken = (): Refusal =>
  new Refusal('This connection was changed somewhere else at the same moment.', {
    reason: 'upstream_connection_changed',
    status: 409,
    hint: 'Try again.',
  });
