// The check's part about somebody who has no account here, only one at the company: they sign in with that, and the tool
// that needs the company's own token works for them as well.

import { setTimeout as pause } from 'node:timers/promises';
import { mcpClient } from '../../test/support/client-mcp.ts';
import { type PageKind, person } from '../../test/support/person.ts';
import { formsOf, textOf } from '../../test/support/person-form.ts';
import { visit } from '../../test/support/upstream-company.ts';
import { calendar } from './calendar.ts';
import type { House } from './house.ts';
import type { Seen } from './seen.ts';

const LOGIN = 'sam';
const NAME = 'Sam Roy';
// Acme is told in the background, some seconds later.
const MOST_TRIES = 40;
const PAUSE = 250;

export const colleague = async (house: House, seen: Seen): Promise<void> => {
  const { issuer, mcp: url, company, record } = house;
  const back = `${issuer}/upstream/company/callback`;
  const went: string[] = [];
  const browser = person({
    username: '',
    password: '',
    fetch: record.fetchAs('browser'),
    elsewhere: {
      upstream: 'company',
      async visit(address) {
        went.push(address.origin);
        return `${back}?${await visit(address, back, LOGIN)}`;
      },
    },
  });
  await forget(browser, issuer);

  const client = mcpClient({ url, issuer, person: browser, fetch: record.fetchAs('client') });
  try {
    const pages: { kind: PageKind; text: string }[] = [];
    await client.connect({ inspect: (html, kind) => void pages.push({ kind, text: textOf(html) }) });
    seen.that(
      went.length === 2 && went[1] === company.issuer && pages[0]?.kind === 'sign-in',
      `${LOGIN}, who has no password here, is shown who asks and signs in with Acme`,
      { went, pages },
    );
    const consent = pages.find(({ kind }) => kind === 'consent');
    seen.that(
      consent?.text.includes(NAME) && consent.text.includes('calendar'),
      `then consents here as ${NAME}, tool by tool, to the calendar at Acme as well`,
      pages,
    );
    await calendar(house, { client, browser, name: LOGIN, login: LOGIN, entry: 'Stocktaking' }, seen);
    await browser.send(await browser.visit(`${issuer}/connections`), endsUpstream);
    let last = '';
    for (let tries = 0; tries < MOST_TRIES && !last.includes(`${issuer}/connect/`); tries += 1) {
      await pause(PAUSE);
      last = JSON.stringify(await client.call('my_calendar', {}));
    }
    seen.that(
      last.includes(`${issuer}/connect/`),
      `${LOGIN} ends the use of Acme here; Acme is told, its token is worth nothing more, and the tool asks again`,
      last,
    );
    await forget(browser, issuer);
  } finally {
    await client.close();
  }
};

const endsAll = ({ action }: { action: string }): boolean => action.endsWith('/connections/end-all');
const endsUpstream = ({ action }: { action: string }): boolean =>
  action.endsWith('/connections/upstreams/end');

/** Ends all that they have allowed, also what a former demo left in the database, and signs out. */
async function forget(browser: ReturnType<typeof person>, issuer: string): Promise<void> {
  browser.cookies.clear();
  await browser.signIn(issuer);
  const page = await browser.visit(`${issuer}/connections`);
  if (formsOf(page.html, page.url).some(endsAll)) await browser.send(page, endsAll);
  browser.cookies.clear();
}
