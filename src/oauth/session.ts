// The browser session, for pages outside an authorization: who is signed in, signing in, signing out.

import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import { type Clock, seconds } from '../clock.ts';
import type { Account } from '../domain/accounts.ts';
import { request } from './request.ts';

export type SignedIn = {
  account: Account;
  id: string;
  /** Ms since the epoch: when they last showed who they are. */
  signedInAt: number;
};

type EngineSession = {
  id: string;
  accountId?: string;
  /** Seconds since the epoch. */
  loginTs?: number;
  authorizations?: unknown;
  exp?: number;
  new?: boolean;
  loginAccount(details: { accountId: string; amr?: string[] }): void;
  resetIdentifier(): void;
  save(ttl: number): Promise<unknown>;
  destroy(): Promise<void>;
};

// A write at every look at a page would be too many; a sign-in that is used is never this much of its idle time behind.
const RENEWALS = 24;

const cookie = { httpOnly: true, sameSite: 'lax', signed: true, overwrite: true } as const;

export function browserSession({
  provider,
  clock,
  idle,
  absolute,
}: {
  provider: () => Provider;
  clock: Clock;
  /** Seconds without use. */
  idle: number;
  /** Seconds after the sign-in, used or not. */
  absolute: number;
}) {
  async function keep(ctx: Context, session: EngineSession, ttl: number): Promise<void> {
    ctx.cookies.set(provider().cookieName('session'), session.id, { ...cookie, maxAge: ttl * 1000 });
    await session.save(ttl);
  }

  async function renew(ctx: Context, session: EngineSession): Promise<void> {
    const { exp = 0, loginTs = 0 } = session;
    const now = seconds(clock());
    const ttl = Math.min(idle, loginTs + absolute - now);
    if (exp - now < ttl - idle / RENEWALS) await keep(ctx, session, ttl);
  }

  const read = (ctx: Context) => provider().Session.get(ctx as never) as unknown as Promise<EngineSession>;

  return {
    /** Who is signed in in this browser; nobody, once the account is disabled. */
    async current(ctx: Context): Promise<SignedIn | undefined> {
      const session = await read(ctx);
      const { accountId, id, loginTs = 0 } = session;
      // the session that was read is of somebody who may be here (adapter.ts), or there was none
      const account = accountId === undefined ? undefined : request().accounts.get(accountId);
      if (!account) return undefined;
      await renew(ctx, session);
      return { account, id, signedInAt: loginTs * 1000 };
    },

    /** A new session id for whoever signs in: one that was planted before is worth nothing. */
    async signIn(ctx: Context, account: Account, amr?: string[]): Promise<void> {
      const session = await read(ctx);
      if (!session.new) session.resetIdentifier();
      if (session.accountId !== account.id) delete session.authorizations;
      session.loginAccount({ accountId: account.id, ...(amr && { amr }) });
      await keep(ctx, session, idle);
    },

    async signOut(ctx: Context): Promise<void> {
      const session = await read(ctx);
      if (!session.new) await session.destroy();
      ctx.cookies.set(provider().cookieName('session'), null, cookie);
    },

    /** Forgets who is signed in but keeps the browser's session: somebody else is about to sign in. */
    async forget(ctx: Context, unless: string): Promise<void> {
      const session = await read(ctx);
      if (session.accountId === undefined || session.accountId === unless) return;
      delete session.accountId;
      delete session.authorizations;
      await session.save(idle);
    },
  };
}
