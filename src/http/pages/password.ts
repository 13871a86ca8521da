// The one place where a password that somebody typed is looked at, for every page that has such a form.

import type { Context } from 'koa';
import type { Account } from '../../domain/accounts.ts';
import type { Form } from '../body.ts';
import type { PageRooms } from './rooms.ts';
import { traceOf, workOf } from './visitor.ts';

/** The same for a wrong name, a wrong password and a disabled account: nobody learns which names exist. */
export const NOT_TOGETHER = 'That username and password do not belong together.';

/** The account, or undefined (always, where passwords are no way in); either is written to the audit. Throws a Refusal 429 when there were too many tries. */
export async function authenticate(
  ctx: Context,
  form: Form,
  { domain, limits }: PageRooms,
  event: { clientId?: string; resource?: string } = {},
): Promise<Account | undefined> {
  const username = form.one('username');
  const wasNoGuess = limits.signIn(ctx, username);
  const account = domain.policy.localPasswords
    ? await domain.accounts.authenticate(username, form.one('password'))
    : undefined;
  const traceId = traceOf(ctx);
  const detail = { address: ctx.state['ip'] as string };
  if (!account) {
    // The name is not written down: people type their password into the wrong field.
    const refused = {
      action: 'account.sign_in_refused',
      outcome: 'refused',
      reason: 'wrong_credentials',
    } as const;
    domain.audit.record(workOf(ctx), { ...refused, ...event, traceId, detail });
    return undefined;
  }
  wasNoGuess();
  domain.audit.record(workOf(ctx), {
    action: 'account.signed_in',
    accountId: account.id,
    ...event,
    traceId,
    detail,
  });
  return account;
}
