// A device's request, as the page sees it: who asks for what, under the code that the person typed; and the answer.

import type { Context } from 'koa';
import type { Audit, Work } from '../domain/audit.ts';
import type { Resource } from '../domain/resources.ts';
import { Refusal } from '../errors.ts';
import { type Asking, decided } from './asking.ts';
import type { ClientShown, EngineClients } from './clients.ts';
import { type DeviceCodes, shownCode } from './device/codes.ts';
import type { PendingInteraction, Question } from './interaction.ts';

/** What the consent page shows of it. */
export type PendingDevice = Pick<PendingInteraction, 'client'> &
  Pick<Question, 'sheets'> & { userCode: string };

// There is no address that a code goes back to; for the client's identity that is a place of its own.
const NOWHERE = 'device:';

export function deviceRequests({
  codes,
  clients,
  asking,
  audit,
}: {
  codes: DeviceCodes;
  clients: EngineClients;
  asking: Asking;
  audit: Audit;
}) {
  const workOf = (ctx: Context): Work => ctx.state['work'] as Work;
  const traceOf = (ctx: Context): string => String(ctx.state['traceId']);
  const named = ({ uri, name }: Resource) => ({ uri, name });

  async function shown(clientId: string): Promise<ClientShown | undefined> {
    const metadata = await clients.find(clientId);
    const known = metadata && (await clients.shown(clientId, NOWHERE));
    if (!known) return undefined;
    // Anybody can start this with the id of a public client, so that its name proves nothing (RFC 8628 §5.6).
    const unproven = metadata['token_endpoint_auth_method'] === 'none';
    return unproven ? { ...known, verified: false, selfRegistered: true } : known;
  }

  async function waiting(typed: string, accountId: string) {
    const found = await codes.waiting(typed);
    const client = found && (await shown(found.code.clientId));
    if (!found || !client) return undefined;
    const { clientId, scope, resources } = found.code;
    const metadata = { ...(await clients.find(clientId)), client_id: clientId };
    const sheets = await asking.sheets({ accountId, client: metadata, resources, scopes: scope.split(' ') });
    const refused = sheets && asking.refusal(sheets);
    if (refused) throw refused;
    return sheets && { ...found, client, sheets };
  }

  // It was there when its page was shown.
  const gone = (): Refusal =>
    new Refusal('This code was answered meanwhile, or it has run out.', {
      reason: 'device_code_gone',
      status: 409,
      hint: 'Look at your device for a new one.',
    });

  return {
    /** What waits under this code; undefined for one that is unknown, run out or answered. */
    async find(_ctx: Context, typed: string, accountId: string): Promise<PendingDevice | undefined> {
      const found = await waiting(typed, accountId);
      return (
        found && {
          client: found.client,
          userCode: shownCode(found.userCode),
          sheets: found.sheets.map(({ resource, sheet }) => ({ resource: named(resource), sheet })),
        }
      );
    },

    /** The ticked boxes become the connection. Throws a Refusal `nothing_allowed` when none was ticked. */
    allow: (ctx: Context, typed: string, accountId: string, ticks: readonly string[]): Promise<void> =>
      decided(workOf(ctx), async () => {
        const found = await waiting(typed, accountId);
        if (!found) throw gone();
        const { client, sheets, row, code } = found;
        const by = { accountId, client, traceId: traceOf(ctx) };
        const familyId = await asking.allow(workOf(ctx), sheets, ticks, by);
        await clients.allowed(code.clientId);
        codes.allow(workOf(ctx), row, code, { accountId, familyId, resources: code.resources });
      }),

    async deny(ctx: Context, typed: string, accountId: string): Promise<void> {
      const found = await waiting(typed, accountId);
      if (!found) throw gone();
      codes.deny(workOf(ctx), found.row, found.code);
      audit.record(workOf(ctx), {
        action: 'grant.denied',
        outcome: 'refused',
        reason: 'denied_by_person',
        accountId,
        clientId: found.code.clientId,
        traceId: traceOf(ctx),
      });
    },
  };
}
