// Microsoft Entra ID, one tenant. Its `email` claim can be written by whoever administers any tenant, so it vouches for
// nothing unless Entra says that the domain's owner was verified (xms_edov). Beyond some 200 groups it sends none.

import { domainOf } from './claims.ts';
import { alsoAsk, type Habits, plain } from './habits.ts';

export const entra: Habits = {
  ...plain,
  hosts: ['graph.microsoft.com'],
  // Its userinfo is a part of Graph and wants a token for that; the ID token says what is needed.
  userinfo: false,
  // AADSTS901002: "The 'resource' request parameter is not supported"; the scope names the resource.
  resource: false,
  revoke: false,
  offline: (parameters) => alsoAsk(parameters, 'offline_access'),
  person({ emailVerified: _said, domain: _mailed, ...person }, claims) {
    const vouched = claims['xms_edov'];
    const emailVerified = vouched === true || vouched === 1 || vouched === '1';
    const domain = emailVerified ? domainOf(person.email) : undefined;
    return {
      ...person,
      ...(person.email !== undefined && { emailVerified }),
      ...(domain !== undefined && { domain }),
    };
  },
};
