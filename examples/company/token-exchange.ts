// Fewer scopes for the same person: RFC 8693, as far as one application asks for less of what it has.

import type Provider from 'oidc-provider';
import { errors } from 'oidc-provider';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

export function tokenExchange(provider: Provider): void {
  const parameters = [
    'subject_token',
    'subject_token_type',
    'requested_token_type',
    'scope',
    'audience',
    'resource',
  ];
  provider.registerGrantType(
    TOKEN_EXCHANGE,
    async (ctx) => {
      const { client, params } = ctx.oidc;
      const subject = await provider.AccessToken.find(String(params?.['subject_token'] ?? ''));
      if (!client || !subject || subject.clientId !== client.clientId)
        throw new errors.InvalidGrant('the subject token is not valid');
      const scopes = String(params?.['scope'] ?? '')
        .split(' ')
        .filter(Boolean);
      if (scopes.length === 0 || !scopes.every((scope) => subject.scopes.has(scope)))
        throw new errors.InvalidScope('only less may be asked for', scopes.join(' '));
      const token = new provider.AccessToken({
        accountId: subject.accountId,
        grantId: subject.grantId as string,
        client,
        scope: scopes.join(' '),
        gty: 'token_exchange',
      } as never);
      ctx.body = {
        access_token: await token.save(),
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: token.expiration,
        scope: scopes.join(' '),
      };
    },
    parameters,
  );
}
