// Google: refresh tokens for those who ask for offline access, and `hd` for accounts of a Workspace.

import { text } from './claims.ts';
import { type Habits, plain } from './habits.ts';

export const google: Habits = {
  ...plain,
  hosts: ['oauth2.googleapis.com', 'openidconnect.googleapis.com', 'www.googleapis.com'],
  resource: false,
  offline(parameters) {
    // There is no offline_access; and without consent, only the first of all answers has a refresh token.
    parameters.set('access_type', 'offline');
    parameters.set(
      'prompt',
      parameters.get('prompt') === 'select_account' ? 'select_account consent' : 'consent',
    );
  },
  authorization(parameters, { allow }) {
    // Only narrows which accounts are offered; what counts is the claim that comes back.
    if (allow.domains.length === 1) parameters.set('hd', allow.domains[0] as string);
  },
  person({ domain: _mailed, ...person }, claims) {
    // A private account may have a verified address of any domain; only `hd` says that the domain owns the account.
    const domain = text(claims['hd'])?.toLowerCase();
    return { ...person, ...(domain !== undefined && { domain }) };
  },
};
