// Coming back from an upstream. Who it was is found out here; what follows depends on why they had set out.
// Everything that can be known to be wrong is known before the upstream is asked anything, and leaves nothing behind.

import type { Context } from 'koa';
import { refusedPage } from '../../../views/refused.ts';
import type { OAuthUpstream } from '../../config.ts';
import type { UpstreamPerson, UpstreamTokens } from '../../domain/upstream/connector.ts';
import { type Trip, tripId } from '../../domain/upstream/transactions.ts';
import { Refusal } from '../../errors.ts';
import { goTo, pageOf, show } from '../view.ts';
import { connect } from './connect.ts';
import { notices } from './notice.ts';
import type { PageRooms } from './rooms.ts';
import { trips } from './trips.ts';
import { traceOf, visitor, workOf } from './visitor.ts';

type Arrival = { trip: Trip; upstream: OAuthUpstream; person: UpstreamPerson; tokens: UpstreamTokens };

const malformed = (): Refusal =>
  new Refusal('This is not an answer that an upstream gives.', {
    reason: 'upstream_answer_malformed',
    hint: 'Go back to where you started, and press the button again.',
  });

const notYours = (): Refusal =>
  new Refusal('You set out from another sign-in than the one that you came back to.', {
    reason: 'upstream_other_session',
    status: 403,
    hint: 'Open your connections again, and start from there.',
  });

/** RFC 6749 §3.1, §4.1.2: each parameter once; a code or an error, and never without a state. */
function parametersOf(ctx: Context): URLSearchParams {
  const query = new URLSearchParams(ctx.querystring);
  const names = [...query.keys()];
  if (new Set(names).size < names.length || !query.get('state')) throw malformed();
  if (Boolean(query.get('code')) === query.has('error') || (query.has('code') && query.has('error')))
    throw malformed();
  return query;
}

export function upstream(rooms: PageRooms) {
  const { config, domain, oauth } = rooms;
  const way = trips(rooms);
  const notice = notices({ issuer: config.issuer });
  const at = (ctx: Context, path: string): string => `${ctx.state['base']}${path}`;

  async function signIn(ctx: Context, { trip, upstream, person }: Arrival): Promise<void> {
    const { interaction, to, clientId } = trip.luggage;
    const work = workOf(ctx);
    const traceId = traceOf(ctx);
    try {
      const about = { traceId, ...(clientId && { clientId }) };
      const account = await domain.identities.signIn(work, { upstream, person }, about);
      const detail = { address: ctx.state['ip'] as string, upstream: upstream.name };
      domain.audit.record(work, { action: 'account.signed_in', accountId: account.id, ...about, detail });
      if (interaction) {
        domain.trips.signedIn(work, trip, account.id);
        return goTo(ctx, at(ctx, `/interaction/${interaction}/upstream?trip=${trip.id}`));
      }
      way.forget(ctx, trip.id);
      await oauth.session.signIn(ctx, account);
      goTo(ctx, at(ctx, to ?? '/connections'));
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 403) throw error;
      way.forget(ctx, trip.id);
      const again = interaction ? `/interaction/${interaction}?switch=1` : '/sign-in';
      show(
        ctx,
        refusedPage(pageOf(ctx), { sentence: error.message, hint: error.hint, again: at(ctx, again) }),
        403,
      );
    }
  }

  async function link(ctx: Context, { trip, upstream, person }: Arrival): Promise<void> {
    way.forget(ctx, trip.id);
    const who = await visitor(ctx, rooms);
    // the same person in the same session: nobody is made to add a way in for somebody else
    if (!who || who.account.id !== trip.accountId || who.session !== trip.luggage['session'])
      throw notYours();
    await domain.identities.link(
      workOf(ctx),
      who.account.id,
      { upstream, person },
      { traceId: traceOf(ctx) },
    );
    notice.leave(ctx, { wayIn: { label: upstream.label, what: 'added' } });
    goTo(ctx, at(ctx, '/connections'));
  }

  const arrivals: Record<Trip['purpose'], (ctx: Context, arrival: Arrival) => Promise<void>> = {
    sign_in: signIn,
    link,
    connect: connect(rooms).arrived,
  };

  /** The upstream, or the person there, said no: back to where the button was. */
  function denied(ctx: Context, { luggage, upstream, accountId }: Trip, refusal: Refusal): void {
    const { interaction, clientId } = luggage;
    domain.audit.record(workOf(ctx), {
      action: 'account.sign_in_refused',
      outcome: 'refused',
      reason: refusal.reason,
      ...(accountId && { accountId }),
      ...(clientId && { clientId }),
      traceId: traceOf(ctx),
      detail: { upstream },
    });
    if (!interaction) throw refusal;
    goTo(ctx, at(ctx, `/interaction/${interaction}?switch=1&denied=${upstream}`));
  }

  return {
    /** GET /upstream/:name/callback */
    async callback(ctx: Context): Promise<void> {
      const name = String(ctx['params'].name);
      const there = domain.upstreams.find(name);
      if (ctx.method !== 'GET' || !there?.connector) throw malformed();
      const query = parametersOf(ctx);
      const state = query.get('state') ?? '';
      const trip = await domain.trips.take(name, state, way.cookie(ctx, tripId(state)));
      try {
        const { person, tokens } = await there.connector.redeem(trip.transaction, query);
        await arrivals[trip.purpose](ctx, { trip, upstream: there.declaration, person, tokens });
      } catch (error) {
        if (!(error instanceof Refusal) || error.reason !== 'upstream_denied') throw error;
        way.forget(ctx, trip.id);
        denied(ctx, trip, error);
      }
    },

    /** GET /interaction/:uid/upstream: the same browser, still in the interaction that it set out from, is signed in. */
    async handOver(ctx: Context): Promise<void> {
      const pending = await oauth.interaction.details(ctx, String(ctx['params'].uid));
      const id = [ctx.query['trip']].flat()[0] ?? '';
      if (ctx.method !== 'GET' || !/^[\w-]{43}$/.test(id)) throw malformed();
      const trip = await domain.trips.finish(workOf(ctx), id, way.cookie(ctx, id));
      if (trip.luggage['interaction'] !== pending.uid) throw notYours();
      const account = await domain.accounts.find(trip.accountId);
      if (!account) throw notYours();
      const location = await oauth.interaction.signIn(ctx, pending.uid, account);
      way.forget(ctx, id);
      goTo(ctx, location);
    },
  };
}
