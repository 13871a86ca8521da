// The check's part about what lies elsewhere: a tool that needs the person's calendar at the company, the address at
// which they connect it, and the same call afterwards.

import type { McpClient } from '../../test/support/client-mcp.ts';
import type { Person } from '../../test/support/person.ts';
import { visit } from '../../test/support/upstream-company.ts';
import type { House } from './house.ts';
import type { Seen } from './seen.ts';

type Caller = { client: McpClient; browser: Person; name: string; login: string; entry: string };

const textOf = (result: Record<string, unknown>): string => JSON.stringify(result);

/** `login` is who they are at the company, and `entry` what stands in the calendar there. */
export const calendar = async (
  house: House,
  { client, browser, name, login, entry }: Caller,
  seen: Seen,
): Promise<void> => {
  const before = await client.call('my_calendar', {});
  const link = new RegExp(`${house.issuer}/connect/[\\w-]+`).exec(textOf(before))?.[0];
  seen.that(
    before.isError && link,
    'my_calendar needs the calendar at Acme, which is not connected; the tool says where it can be',
    before,
  );
  const page = await browser.open(link);
  const away = await browser.press(page, 'go', 'on');
  const back = `${house.issuer}/upstream/company/callback`;
  seen.that(
    typeof away === 'string' && away.startsWith(house.company.issuer),
    `${name} reads who wants it and what for, and goes on to Acme`,
    away,
  );
  const callback = await visit(new URL(away), back, login);
  const done = await browser.visit(`${back}?${callback}`);
  seen.that(
    done.status === 200 && done.html.includes('You can return to the app'),
    'having signed in and allowed it there, is told to return to the app',
    done.html,
  );
  const after = await client.call('my_calendar', {});
  seen.that(
    !after.isError && textOf(after).includes(entry),
    `now my_calendar says “${entry}”: a token of Acme for this server alone, by token exchange (RFC 8693)`,
    after,
  );
};
