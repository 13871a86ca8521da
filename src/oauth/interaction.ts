// A stored interaction, as the pages see it: what is asked of whom, and the typed answers.
// Pages never call one another; each answer ends with the address of the authorization endpoint, which goes on.

import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import { errors } from 'oidc-provider';
import { isLoopback } from '../config/loopback.ts';
import type { Account } from '../domain/accounts.ts';
import type { Work } from '../domain/audit.ts';
import type { Sheet } from '../domain/consent/sheet.ts';
import type { Resource, Resources } from '../domain/resources.ts';
import { Refusal } from '../errors.ts';
import { type Asked, type Asking, decided } from './asking.ts';
import type { ClientShown, EngineClients } from './clients.ts';
import { request } from './request.ts';
import type { browserSession } from './session.ts';

export type PendingInteraction = {
  uid: string;
  prompt: 'login' | 'consent';
  loginHint?: string;
  /** The client wants the person to show who they are now, whoever is signed in. */
  again: boolean;
  client: ClientShown;
  redirect: { host: string; loopback: boolean; scheme?: string };
  /** The servers that it wants to use, in the order of the request. */
  resources: { uri: string; name: string }[];
  /** Who is signed in. */
  account?: Account;
};

/** What is asked of a person, once it is time to decide. */
export type Question = {
  /** One for each resource. */
  sheets: { resource: { uri: string; name: string }; sheet: Sheet }[];
  /** Why there is nothing to decide for this account. */
  refusal?: Refusal;
};

const named = ({ uri, name }: Resource) => ({ uri, name });

type Stored = Awaited<ReturnType<Provider['interactionDetails']>>;

const expired = (cause?: unknown): Refusal =>
  new Refusal('This page has run out, or belongs to another browser.', {
    reason: 'interaction_expired',
    hint: 'Go back to the app and start the connection again.',
    cause,
  });

function redirectShown(uri: string): PendingInteraction['redirect'] {
  const url = new URL(uri);
  if (url.protocol === 'https:' || url.protocol === 'http:') {
    return { host: url.host, loopback: isLoopback(url.hostname) };
  }
  return { host: url.host, loopback: false, scheme: url.protocol };
}

export function interactions({
  provider,
  session,
  clients,
  resources,
  asking,
}: {
  provider: () => Provider;
  session: ReturnType<typeof browserSession>;
  clients: EngineClients;
  resources: Resources;
  asking: Asking;
}) {
  const read = new WeakMap<Context, Stored>();

  // Once a request: whether it was answered meanwhile, in another window, is for the commit to find.
  async function stored(ctx: Context, uid: string): Promise<Stored> {
    let found: Stored;
    try {
      found = read.get(ctx) ?? (await provider().interactionDetails(ctx.req, ctx.res));
      read.set(ctx, found);
    } catch (error) {
      if (error instanceof errors.SessionNotFound) throw expired(error);
      throw error;
    }
    // The cookie alone must not decide: two tabs hold two, and one could be planted.
    if (found.uid !== uid) throw expired();
    return found;
  }

  const param = (found: Stored, name: string): string | undefined => {
    const value = found.params[name];
    return typeof value === 'string' ? value : undefined;
  };

  const requested = (found: Stored): string[] =>
    [found.params['resource'] ?? []].flat().filter((uri): uri is string => typeof uri === 'string');

  async function asked(found: Stored): Promise<Asked[]> {
    const accountId = found.session?.accountId;
    const clientId = param(found, 'client_id') ?? '';
    const scopes = (param(found, 'scope') ?? '').split(' ');
    const client = await clients.find(clientId);
    const sheets =
      accountId &&
      client &&
      (await asking.sheets({ accountId, client, resources: requested(found), scopes }));
    if (!sheets) throw expired();
    return sheets;
  }

  async function shown(found: Stored): Promise<ClientShown> {
    const client = await clients.shown(param(found, 'client_id') ?? '', param(found, 'redirect_uri') ?? '');
    if (!client) throw expired();
    return client;
  }

  /** What `interactionResult` of the engine does, with the interaction that was read already. Returns where to go on. */
  async function finish(found: Stored, result: Stored['result'] & object): Promise<string> {
    found.result = 'error' in result ? result : { ...found.lastSubmission, ...result };
    await found.persist();
    return found.returnTo;
  }

  const workOf = (ctx: Context): Work => ctx.state['work'] as Work;

  return {
    /** Throws a Refusal `interaction_expired` when cookie, URL and stored row do not agree. */
    async details(ctx: Context, uid: string): Promise<PendingInteraction> {
      const found = await stored(ctx, uid);
      const hint = param(found, 'login_hint');
      const accountId = found.session?.accountId;
      // read with the session; undefined where the account was disabled since
      const account = accountId === undefined ? undefined : request().accounts.get(accountId);
      const { reasons } = found.prompt;
      return {
        uid,
        prompt: found.prompt.name === 'consent' ? 'consent' : 'login',
        again: reasons.includes('login_prompt') || reasons.includes('max_age'),
        client: await shown(found),
        redirect: redirectShown(param(found, 'redirect_uri') ?? ''),
        ...(hint ? { loginHint: hint } : {}),
        resources: requested(found)
          .flatMap((uri) => resources.find(uri) ?? [])
          .map(named),
        ...(account && { account }),
      };
    },

    async question(ctx: Context, uid: string): Promise<Question> {
      const sheets = await asked(await stored(ctx, uid));
      const refusal = asking.refusal(sheets);
      return {
        sheets: sheets.map(({ resource, sheet }) => ({ resource: named(resource), sheet })),
        ...(refusal && { refusal }),
      };
    },

    /** The person has shown who they are, and how (RFC 8176). Returns the address to go on at. */
    async signIn(ctx: Context, uid: string, account: Account, amr?: string[]): Promise<string> {
      const found = await stored(ctx, uid);
      const location = await finish(found, { login: { accountId: account.id, ...(amr && { amr }) } });
      await session.forget(ctx, account.id);
      return location;
    },

    /** The ticked boxes become the grant. Throws a Refusal `nothing_allowed` when none was ticked. */
    allow: (ctx: Context, uid: string, ticks: readonly string[]): Promise<string> =>
      decided(workOf(ctx), async () => {
        const found = await stored(ctx, uid);
        if (found.prompt.name !== 'consent') throw expired();
        const familyId = await asking.allow(workOf(ctx), await asked(found), ticks, {
          accountId: found.session?.accountId ?? '',
          client: await shown(found),
          traceId: ctx.state['traceId'] as string,
        });
        await clients.allowed(param(found, 'client_id') ?? '');
        return finish(found, { consent: { grantId: familyId } });
      }),

    /** RFC 6749 §4.1.2.1: access_denied goes back to the client. */
    async deny(ctx: Context, uid: string): Promise<string> {
      const found = await stored(ctx, uid);
      return finish(found, { error: 'access_denied', error_description: 'the person did not allow it' });
    },
  };
}
