// A person connects an account elsewhere, or lets one more app use it, because an MCP server asked for it (the
// `connect_uri` of its refusal). The link is worth something to that person alone, and once; nothing goes to an
// upstream before they have pressed the button here (MCP security best practices: confused deputy).

import type { Context } from 'koa';
import { type Connect, connectedPage, connectPage } from '../../../views/connect.ts';
import { upstreamUse } from '../../domain/resources.ts';
import type { UpstreamPerson, UpstreamTokens } from '../../domain/upstream/connector.ts';
import type { Trip } from '../../domain/upstream/transactions.ts';
import type { Upstream } from '../../domain/upstream.ts';
import { Refusal } from '../../errors.ts';
import { readForm } from '../body.ts';
import { goTo, pageOf, show, standAlone } from '../view.ts';
import type { PageRooms } from './rooms.ts';
import { signInAddress } from './sign-in.ts';
import { trips } from './trips.ts';
import { traceOf, type Visitor, visitor, workOf } from './visitor.ts';

const over = (): Refusal =>
  new Refusal('What asked for this is not there any more.', {
    reason: 'connect_over',
    status: 410,
    hint: 'Go back to the app and let it try again.',
  });

const elsewhere = (): Refusal =>
  new Refusal('You set out from another sign-in than the one that you came back to.', {
    reason: 'upstream_other_session',
    status: 403,
    hint: 'Go back to the app and let it try again.',
  });

export function connect(rooms: PageRooms) {
  const { csrf, domain } = rooms;
  const way = trips(rooms);

  /** What the link asks of this person, read anew each time. */
  async function asked(token: string, who: Visitor) {
    const link = await domain.connectLinks.look(token, who.account.id);
    const grant = await domain.grants.find(link.grantId, who.account.id);
    const resource = grant && domain.resources.find(grant.resource);
    const use = resource && upstreamUse(resource, link.upstream);
    const upstream = use && domain.upstreams.find(link.upstream);
    if (!upstream) throw over();
    const connected = await domain.vault.find(who.account.id, link.upstream);
    return { link, grant, resource, use, upstream, connected };
  }

  type Asked = Awaited<ReturnType<typeof asked>>;

  const scopesOf = ({ declaration }: Upstream): string[] =>
    declaration.kind === 'key'
      ? []
      : [...new Set([...declaration.scopes, ...(declaration.vault?.scopes ?? [])])];

  /** What pressing the button does. Connected and enough: it is only to be allowed. */
  function howOf({ grant, upstream, use, connected }: Asked): Connect['how'] {
    const allowed = grant.upstreams.includes(use.name);
    const wants = use.scopes.length > 0 ? use.scopes : scopesOf(upstream);
    const has = connected?.scopes ?? [];
    const enough = has.length === 0 || wants.every((scope) => has.includes(scope));
    if (connected && enough && !allowed) return 'allow';
    return upstream.connector ? 'go' : 'key';
  }

  function page(ctx: Context, who: Visitor, token: string, about: Asked, problem?: string): void {
    const { grant, resource, use, upstream, connected } = about;
    const how = howOf(about);
    const whole = use.wholeToken && !upstream.connector?.can.downScope;
    const { declaration } = upstream;
    const hint = declaration.kind === 'key' ? declaration.hint : undefined;
    show(
      ctx,
      connectPage(pageOf(ctx, { account: { name: who.account.name }, csrf: csrf.token(who.binding) }), {
        action: `${ctx.state['base']}/connect/${token}`,
        client: { name: grant.clientName },
        resource: { name: resource.name, uri: resource.uri },
        label: declaration.label,
        purpose: use.purpose,
        how,
        account: how === 'allow' ? connected?.name : undefined,
        hint,
        gives: upstream.connector ? (whole ? 'whole_token' : 'token') : 'key',
        problem,
      }),
      problem ? 422 : 200,
    );
  }

  const done = (ctx: Context, who: Visitor, label: string): void =>
    show(ctx, connectedPage(pageOf(ctx, { account: { name: who.account.name } }), { label }));

  const tokenOf = (ctx: Context): string => String(ctx['params'].token);

  return {
    /** GET /connect/:token */
    async show(ctx: Context): Promise<void> {
      standAlone(ctx);
      const who = await visitor(ctx, rooms);
      if (!who) return goTo(ctx, signInAddress(ctx, `/connect/${tokenOf(ctx)}`));
      page(ctx, who, tokenOf(ctx), await asked(tokenOf(ctx), who));
    },

    /** POST /connect/:token */
    async send(ctx: Context): Promise<void> {
      const token = tokenOf(ctx);
      const form = await readForm(ctx);
      const who = await visitor(ctx, rooms);
      if (!who) return goTo(ctx, signInAddress(ctx, `/connect/${token}`));
      csrf.check(ctx, form.one('csrf'), who.binding);
      const about = await asked(token, who);
      const { link, upstream } = about;
      const how = howOf(about);
      const work = workOf(ctx);
      const { accountId, grantId, upstream: name } = link;
      if (how === 'key') {
        try {
          await domain.vault.connectKey(work, { accountId, upstream: name, key: form.one('key') });
        } catch (error) {
          if (!(error instanceof Refusal) || error.reason !== 'upstream_key_form') throw error;
          return page(ctx, who, token, about, error.message);
        }
      }
      domain.connectLinks.consume(work, token);
      if (how === 'go') {
        const luggage = { session: who.session, grant: grantId };
        return way.setOut(ctx, name, { purpose: 'connect', accountId, scopes: scopesOf(upstream), luggage });
      }
      await domain.grants.allowUpstream(work, {
        id: grantId,
        accountId,
        upstream: name,
        traceId: traceOf(ctx),
      });
      done(ctx, who, upstream.declaration.label);
    },

    /** Back from the upstream: in the same session, for the same person, what it gave is kept. */
    async arrived(
      ctx: Context,
      { trip, person, tokens }: { trip: Trip; person: UpstreamPerson; tokens: UpstreamTokens },
    ): Promise<void> {
      way.forget(ctx, trip.id);
      const { upstream, luggage } = trip;
      const accountId = trip.accountId ?? '';
      const who = await visitor(ctx, rooms);
      try {
        if (!who || who.account.id !== accountId || who.session !== luggage['session']) throw elsewhere();
        const work = workOf(ctx);
        const id = luggage['grant'] ?? '';
        await domain.grants.allowUpstream(work, { id, accountId, upstream, traceId: traceOf(ctx) });
        await domain.vault.connect(work, { accountId, upstream, person, tokens });
      } catch (error) {
        await domain.vault.giveBack({ accountId, upstream, person, tokens });
        throw error;
      }
      const label = domain.upstreams.find(upstream)?.declaration.label ?? upstream;
      done(ctx, who, label);
    },
  };
}
