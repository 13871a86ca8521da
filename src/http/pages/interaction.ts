// The person's part of an authorization: sign in, then decide. Everything shown comes from the stored request;
// what a form sends can only narrow it. Each answer goes back to the authorization endpoint, which decides what is next.

import type { Context } from 'koa';
import { consentPage } from '../../../views/consent.ts';
import { nothingToAllowPage } from '../../../views/refused.ts';
import { signInPage } from '../../../views/sign-in.ts';
import { Refusal } from '../../errors.ts';
import type { PendingInteraction } from '../../oauth/host.ts';
import { type Form, readForm } from '../body.ts';
import type { Binding } from '../csrf.ts';
import { goTo, pageOf, show } from '../view.ts';
import { consentModel } from './consent-model.ts';
import { authenticate, NOT_TOGETHER } from './password.ts';
import type { PageRooms } from './rooms.ts';
import { trips } from './trips.ts';
import { traceOf, workOf } from './visitor.ts';

/** The server that is asked for, if it is just one. */
const only = ({ resources }: PendingInteraction) => (resources.length === 1 ? resources[0] : undefined);

export function interaction(rooms: PageRooms) {
  const { csrf, config, domain, oauth } = rooms;
  const way = trips(rooms);
  const binding = (uid: string): Binding => `interaction:${uid}`;
  const addressOf = (ctx: Context, uid: string): string => `${ctx.state['base']}/interaction/${uid}`;
  // On the consent page a person may say that they are somebody else.
  const wantsSwitch = (ctx: Context): boolean => ctx.query['switch'] === '1';

  const details = (ctx: Context): Promise<PendingInteraction> =>
    oauth.interaction.details(ctx, String(ctx['params'].uid));

  function signInForm(ctx: Context, pending: PendingInteraction, refused?: { username: string }): void {
    const { uid, client, loginHint } = pending;
    const page = pageOf(ctx, { csrf: csrf.token(binding(uid)) });
    const resource = only(pending);
    const action = `${addressOf(ctx, uid)}${pending.prompt === 'consent' ? '?switch=1' : ''}`;
    const username = refused ? refused.username : loginHint;
    const upstreams = way.forSignIn();
    const denied = upstreams.find(({ name }) => name === ctx.query['denied'])?.label;
    const model = {
      ...{ action, username, client, resource, error: refused && NOT_TOGETHER },
      ...{ upstreams, passwords: domain.policy.localPasswords, denied },
      asker: { client, redirect: pending.redirect, servers: pending.resources },
    };
    show(ctx, signInPage(page, model), refused ? 422 : 200);
  }

  async function consentForm(ctx: Context, pending: PendingInteraction): Promise<void> {
    const { account } = pending;
    if (!account) return signInForm(ctx, pending);
    const question = await oauth.interaction.question(ctx, pending.uid);
    const page = pageOf(ctx, { account: { name: account.name }, csrf: csrf.token(binding(pending.uid)) });
    const action = addressOf(ctx, pending.uid);
    if (question.refusal) return nothingToAllow(ctx, page, pending, question.refusal);
    const asked = { ...pending, sheets: question.sheets };
    show(
      ctx,
      consentPage(page, consentModel({ action, account, pending: asked, lifetime: config.lifetimes.grant })),
    );
  }

  /** What is asked lies above what this account may allow. */
  function nothingToAllow(
    ctx: Context,
    page: ReturnType<typeof pageOf>,
    { uid, account, client, resources }: PendingInteraction,
    { message, hint, reason }: Refusal,
  ): void {
    domain.audit.record(workOf(ctx), {
      ...{ action: 'grant.denied', outcome: 'refused', reason, accountId: account?.id, clientId: client.id },
      ...{ resource: resources[0]?.uri, traceId: traceOf(ctx) },
    });
    show(ctx, nothingToAllowPage(page, { sentence: message, hint, action: addressOf(ctx, uid) }), 403);
  }

  async function signIn(ctx: Context, pending: PendingInteraction, form: Form): Promise<void> {
    if (form.one('cancel')) return deny(ctx, pending);
    const upstream = form.one('upstream');
    // The person has seen who asks, where it leads and for what, and has pressed the button, in this browser.
    if (upstream) {
      return way.setOut(ctx, upstream, {
        purpose: 'sign_in',
        luggage: { interaction: pending.uid, clientId: pending.client.id },
        loginHint: pending.loginHint,
        prompt: wantsSwitch(ctx) ? 'select_account' : pending.again ? 'login' : undefined,
      });
    }
    const about = {
      clientId: pending.client.id,
      ...(only(pending) && { resource: only(pending)?.uri as string }),
    };
    const account = await authenticate(ctx, form, rooms, about);
    if (!account) return signInForm(ctx, pending, { username: form.one('username') });
    goTo(ctx, await oauth.interaction.signIn(ctx, pending.uid, account, ['pwd']));
  }

  async function deny(ctx: Context, pending: PendingInteraction): Promise<void> {
    const location = await oauth.interaction.deny(ctx, pending.uid);
    domain.audit.record(workOf(ctx), {
      action: 'grant.denied',
      outcome: 'refused',
      reason: 'denied_by_person',
      accountId: pending.account?.id,
      clientId: pending.client.id,
      resource: only(pending)?.uri,
      traceId: traceOf(ctx),
    });
    goTo(ctx, location);
  }

  async function allow(ctx: Context, pending: PendingInteraction, form: Form): Promise<void> {
    if (!pending.account) return goTo(ctx, addressOf(ctx, pending.uid));
    try {
      const ticks = [...form.all('tool'), ...form.all('scope'), ...form.all('upstream')];
      goTo(ctx, await oauth.interaction.allow(ctx, pending.uid, ticks));
    } catch (error) {
      // To allow nothing is to say no.
      if (error instanceof Refusal && error.reason === 'nothing_allowed') return deny(ctx, pending);
      throw error;
    }
  }

  return {
    async show(ctx: Context): Promise<void> {
      const pending = await details(ctx);
      if (pending.prompt === 'login' || wantsSwitch(ctx)) signInForm(ctx, pending);
      else await consentForm(ctx, pending);
    },

    async send(ctx: Context): Promise<void> {
      const form = await readForm(ctx);
      const pending = await details(ctx);
      csrf.check(ctx, form.one('csrf'), binding(pending.uid));
      if (pending.prompt === 'login' || wantsSwitch(ctx)) return signIn(ctx, pending, form);
      switch (form.one('decision')) {
        case 'allow':
          return allow(ctx, pending, form);
        case 'deny':
          return deny(ctx, pending);
        case 'switch':
          return goTo(ctx, `${addressOf(ctx, pending.uid)}?switch=1`);
        default:
          throw new Refusal('The form says neither yes nor no.', {
            reason: 'decision_unknown',
            hint: 'Go back, load the page again, and press one of its buttons.',
          });
      }
    },
  };
}
