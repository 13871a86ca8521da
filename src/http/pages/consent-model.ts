// The consent sheet, in the words of the page that shows it.

import type { Consent, ToolGroup } from '../../../views/consent.ts';
import type { Account } from '../../domain/accounts.ts';
import type { PendingInteraction } from '../../oauth/host.ts';
import { span } from './moments.ts';

const EFFECTS = ['read', 'write', 'destroy'] as const;

/** `lifetime` in seconds. Throws when the interaction has no sheet: then there is nothing to consent to. */
export function consentModel({
  action,
  account,
  pending,
  lifetime,
}: {
  action: string;
  account: Account;
  pending: PendingInteraction;
  lifetime: number;
}): Consent {
  const { client, redirect, resource, sheet } = pending;
  if (!sheet || !resource) throw new Error('an interaction without a consent sheet asked for consent');
  const groups: ToolGroup[] = EFFECTS.map((effect) => ({
    effect,
    tools: sheet.items.filter((item) => item.effect === effect),
  }));
  return {
    action,
    account: { name: account.name },
    client,
    redirect,
    resource,
    groups,
    returning: sheet.returning,
    somethingNew: sheet.somethingNew,
    lasts: `until you end it, at most ${span(lifetime)}`,
  };
}
