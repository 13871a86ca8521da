// Who is looking at a page, and the audit's view of the request that they look at it with.

import type { Context } from 'koa';
import { digest } from '../../crypto.ts';
import type { Account } from '../../domain/accounts.ts';
import type { Audit } from '../../domain/audit.ts';
import type { Binding } from '../csrf.ts';
import type { PageRooms } from './rooms.ts';

/** What a request writes into; committed when it has been served. */
export type Work = Parameters<Audit['record']>[0];

export const workOf = (ctx: Context): Work => ctx.state['work'] as Work;
export const traceOf = (ctx: Context): string => String(ctx.state['traceId']);

export type Visitor = {
  account: Account;
  binding: Binding;
  /** The digest of the session's id. */
  session: string;
  /** They have shown who they are within the last minutes: enough to change how they sign in. */
  recent: boolean;
};

const RECENT = 600_000;

/** Whoever is signed in in this browser; nobody, once the account is disabled. */
export async function visitor(ctx: Context, { oauth, domain }: PageRooms): Promise<Visitor | undefined> {
  const session = await oauth.session.current(ctx);
  if (!session) return undefined;
  return {
    account: session.account,
    binding: `session:${session.id}`,
    session: digest('session', session.id),
    recent: domain.clock() - session.signedInAt < RECENT,
  };
}
