// A person answers for a device that has no browser (RFC 8628 §3.3): they sign in, type the code that it shows, and
// decide as on any consent page. A code that comes with a link is typed in for them, and still theirs to compare.

import type { Context } from 'koa';
import { consentPage } from '../../../views/consent.ts';
import { deviceDonePage, devicePage } from '../../../views/device.ts';
import { Refusal } from '../../errors.ts';
import type { PendingDevice } from '../../oauth/device.ts';
import { type Form, readForm } from '../body.ts';
import { goTo, pageOf, show, standAlone } from '../view.ts';
import { consentModel } from './consent-model.ts';
import type { PageRooms } from './rooms.ts';
import { signInAddress } from './sign-in.ts';
import { type Visitor, visitor } from './visitor.ts';

const UNKNOWN = 'No device waits with this code. Look at it again: the code may have changed or run out.';

export function device(rooms: PageRooms) {
  const { csrf, config, oauth, limits } = rooms;
  const at = (ctx: Context, path = ''): string => `${ctx.state['base']}/device${path}`;
  const codeIn = (ctx: Context): string => [ctx.query['code'] ?? []].flat().join(' ').slice(0, 32);

  const pageFor = (ctx: Context, { account, binding }: Visitor) =>
    pageOf(ctx, { account: { name: account.name }, csrf: csrf.token(binding) });

  /** Whoever is signed in; somebody who is not goes to do so, and comes back with the code that they had. */
  async function known(ctx: Context): Promise<Visitor | undefined> {
    standAlone(ctx);
    const here = await visitor(ctx, rooms);
    if (!here) goTo(ctx, signInAddress(ctx, '/device', codeIn(ctx)));
    return here;
  }

  function ask(ctx: Context, here: Visitor, code: string, error?: string): void {
    show(ctx, devicePage(pageFor(ctx, here), { action: at(ctx), code, error }), error ? 422 : 200);
  }

  /** What waits under the code that was typed. Every wrong one counts against whoever types it. */
  async function lookUp(ctx: Context, here: Visitor, form: Form): Promise<PendingDevice | undefined> {
    csrf.check(ctx, form.one('csrf'), here.binding);
    const typed = form.one('user_code').slice(0, 32);
    const wasNoGuess = limits.deviceCode(ctx, here.account.id);
    const found = await oauth.device.find(ctx, typed, here.account.id);
    if (found) wasNoGuess();
    else ask(ctx, here, typed, UNKNOWN);
    return found;
  }

  return {
    async show(ctx: Context): Promise<void> {
      const here = await known(ctx);
      if (here) ask(ctx, here, codeIn(ctx));
    },

    async send(ctx: Context): Promise<void> {
      const form = await readForm(ctx);
      const here = await known(ctx);
      const found = here && (await lookUp(ctx, here, form));
      if (!here || !found) return;
      const model = consentModel({
        action: at(ctx, '/decide'),
        account: here.account,
        pending: { ...found, redirect: { host: '', loopback: false } },
        lifetime: config.lifetimes.grant,
      });
      show(ctx, consentPage(pageFor(ctx, here), { ...model, device: { code: found.userCode } }));
    },

    async decide(ctx: Context): Promise<void> {
      const form = await readForm(ctx);
      const here = await known(ctx);
      const found = here && (await lookUp(ctx, here, form));
      if (!here || !found) return;
      const { id } = here.account;
      const decision = form.one('decision');
      if (decision === 'switch') return goTo(ctx, `${ctx.state['base']}/sign-out`);
      if (decision !== 'allow' && decision !== 'deny') {
        throw new Refusal('The form says neither yes nor no.', { reason: 'decision_unknown' });
      }
      try {
        if (decision === 'deny') await oauth.device.deny(ctx, found.userCode, id);
        else
          await oauth.device.allow(ctx, found.userCode, id, [
            ...form.all('tool'),
            ...form.all('scope'),
            ...form.all('upstream'),
          ]);
      } catch (error) {
        // To allow nothing is to say no.
        if (!(error instanceof Refusal) || error.reason !== 'nothing_allowed') throw error;
        await oauth.device.deny(ctx, found.userCode, id);
        return goTo(ctx, at(ctx, '/denied'));
      }
      goTo(ctx, at(ctx, decision === 'allow' ? '/allowed' : '/denied'));
    },

    allowed: (ctx: Context): void => show(ctx, deviceDonePage(pageOf(ctx), true)),
    denied: (ctx: Context): void => show(ctx, deviceDonePage(pageOf(ctx), false)),
  };
}
