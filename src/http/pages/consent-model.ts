// The consent sheet, in the words of the page that shows it.

import type { Consent, ToolGroup } from '../../../views/consent.ts';
import type { Account } from '../../domain/accounts.ts';
import type { Sheet } from '../../domain/consent/sheet.ts';
import type { PendingInteraction, Question } from '../../oauth/host.ts';
import { span } from './moments.ts';

const EFFECTS = ['read', 'write', 'destroy'] as const;

const groupsOf = (sheet: Sheet): ToolGroup[] =>
  EFFECTS.map((effect) => ({ effect, tools: sheet.items.filter((item) => item.effect === effect) }));

/** `lifetime` in seconds. Throws when the interaction has no sheet: then there is nothing to consent to. */
export function consentModel({
  action,
  account,
  pending,
  lifetime,
}: {
  action: string;
  account: Account;
  pending: Pick<PendingInteraction, 'client' | 'redirect'> & Pick<Question, 'sheets'>;
  lifetime: number;
}): Consent {
  const { client, redirect, sheets } = pending;
  const [first, ...others] = sheets.map(({ resource, sheet }) => ({
    resource,
    groups: groupsOf(sheet),
    upstreams: sheet.upstreams,
  }));
  if (!first) throw new Error('an interaction without a consent sheet asked for consent');
  return {
    action,
    account: { name: account.name },
    client,
    redirect,
    ...first,
    others,
    returning: sheets.some(({ sheet }) => sheet.returning),
    somethingNew: sheets.some(({ sheet }) => sheet.somethingNew),
    ...(sheets.some(({ sheet }) => sheet.withheld) && { withheld: true }),
    lasts: `until you end it, at most ${span(lifetime)}`,
  };
}
