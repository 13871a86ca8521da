// The ways in which a grant or a family is not what somebody takes it for.

import { Refusal } from '../../errors.ts';

export const gone = (): Refusal =>
  new Refusal('There is no such connection, or it has ended already.', {
    reason: 'grant_unknown',
    status: 404,
  });

export const changed = (): Refusal =>
  new Refusal('This connection was changed somewhere else at the same moment.', {
    reason: 'grant_changed',
    status: 409,
    hint: 'Go back to the app and connect again.',
  });

export const ended = (): Refusal =>
  new Refusal('This connection has ended.', {
    reason: 'family_ended',
    oauth: 'invalid_grant',
    hint: 'Connect again.',
  });
