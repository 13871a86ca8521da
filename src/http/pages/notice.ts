// What was just done, told once on the next page. It travels in a signed cookie of a minute's life: an address would
// put names into histories and logs, and this process's memory may not be the one that answers next.

import type { Context } from 'koa';

export type Notice = {
  /** The app that was ended; absent when all were. */
  client?: string;
  /** Ms since the epoch: when the last token that was handed out stops working. */
  until?: number;
  /** The account elsewhere that was ended, instead. */
  held?: string;
  /** A way to sign in that was added or removed, instead. */
  wayIn?: { label: string; what: 'added' | 'removed' };
};

export function notices({ issuer }: { issuer: string }) {
  const { protocol } = new URL(issuer);
  const name = protocol === 'https:' ? '__Host-cardea_notice' : 'cardea_notice';
  const options = { signed: true, httpOnly: true, sameSite: 'lax', path: '/', overwrite: true } as const;

  return {
    leave(ctx: Context, notice: Notice): void {
      const text = Buffer.from(JSON.stringify(notice)).toString('base64url');
      ctx.cookies.set(name, text, { ...options, maxAge: 60_000 });
    },

    /** The notice, which is gone after this. */
    take(ctx: Context): Notice | undefined {
      const text = ctx.cookies.get(name, { signed: true });
      if (!text) return undefined;
      ctx.cookies.set(name, null, options);
      try {
        return JSON.parse(Buffer.from(text, 'base64url').toString()) as Notice;
      } catch {
        return undefined;
      }
    },
  };
}
