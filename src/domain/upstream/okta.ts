// Okta: an organisation's or a custom authorization server.

import { alsoAsk, type Habits, plain } from './habits.ts';

export const okta: Habits = {
  ...plain,
  // Its documentation: the aud of a client assertion is the address of the endpoint that it is sent to.
  assertionFor: 'token_endpoint',
  resource: false,
  // It gives a refresh token without asking the person once more.
  offline: (parameters) => alsoAsk(parameters, 'offline_access'),
};
