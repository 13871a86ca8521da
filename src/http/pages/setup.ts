// The page behind the one-time link that makes the first administrator.

import type { Context } from 'koa';
import { type Setup, setupPage } from '../../../views/setup.ts';
import { Refusal } from '../../errors.ts';
import { readForm } from '../body.ts';
import type { Binding } from '../csrf.ts';
import { goTo, pageOf, show, standAlone } from '../view.ts';
import type { PageRooms } from './rooms.ts';
import { workOf } from './visitor.ts';

const SHORTEST_PASSWORD = 10;

/** Which field a refusal of the domain is about. */
const FIELDS: Record<string, 'username' | 'password'> = {
  username_form: 'username',
  username_taken: 'username',
  password_length: 'password',
};

export function setup(rooms: PageRooms) {
  const { csrf, limits, oauth, domain } = rooms;
  const tokenOf = (ctx: Context): string => String(ctx['params'].token);
  const binding = (token: string): Binding => `setup:${token}`;

  function form(ctx: Context, again?: Pick<Setup, 'username' | 'errors'>): void {
    const token = tokenOf(ctx);
    const page = pageOf(ctx, { csrf: csrf.token(binding(token)) });
    const action = `${ctx.state['base']}/setup/${encodeURIComponent(token)}`;
    show(ctx, setupPage(page, { action, minimum: SHORTEST_PASSWORD, ...again }), again ? 422 : 200);
  }

  /** Counts a try at guessing a link, and refuses one that does not work. */
  async function open(ctx: Context): Promise<void> {
    standAlone(ctx);
    limits.setup(ctx);
    await domain.accounts.checkInvitation(tokenOf(ctx));
  }

  return {
    async show(ctx: Context): Promise<void> {
      await open(ctx);
      form(ctx);
    },

    async send(ctx: Context): Promise<void> {
      await open(ctx);
      const given = await readForm(ctx);
      csrf.check(ctx, given.one('csrf'), binding(tokenOf(ctx)));
      const username = given.one('username');
      const password = given.one('password');
      if (password !== given.one('repeat')) {
        return form(ctx, { username, errors: { repeat: 'The two passwords are not the same.' } });
      }
      try {
        const account = await domain.accounts.acceptInvitation(workOf(ctx), tokenOf(ctx), {
          username,
          password,
        });
        await oauth.session.signIn(ctx, account, ['pwd']);
      } catch (error) {
        const field = error instanceof Refusal ? FIELDS[error.reason] : undefined;
        if (!field) throw error;
        return form(ctx, { username, errors: { [field]: (error as Refusal).message } });
      }
      goTo(ctx, `${ctx.state['base']}/`);
    },
  };
}
