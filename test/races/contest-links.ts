// A contest for what a person is sent to connect elsewhere: one link, pressed in eight windows. THREATS I04, J05.
// Called by races.test.ts.

import { expect } from 'vitest';
import { digest, random } from '../../src/crypto.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { TestDatabase } from '../support/databases.ts';
import { ACCESS_TOKEN, TOKEN_EXCHANGE } from '../support/exchange.ts';
import { claimsOf } from '../support/flow.ts';
import { formsOf, textOf } from '../support/person-form.ts';
import { basicConfig, RESOURCE, SERVER } from '../support/server.ts';
import { type Contest, connection } from './contest-tokens.ts';
import { type Pair, together } from './pair.ts';

const EIGHT = 8;
const LANES = [0, 1, 2, 3];

/** Of the races' configuration: an upstream for each lane, or two lanes would connect the same. */
export const WEATHER = {
  upstreams: LANES.map((lane) => ({ name: `weather-${lane}`, kind: 'key', label: 'Weather Desk' })),
  resources: basicConfig.resources.map((resource) => ({
    ...resource,
    ...(resource.uri === RESOURCE && {
      upstreams: LANES.map((lane) => ({ name: `weather-${lane}`, purpose: 'look at the sky' })),
    }),
  })),
};

export async function connectLinkContest(
  pair: Pair,
  database: TestDatabase,
  lanes: number,
): Promise<Contest> {
  const storage = await openStorage(database.location);
  const held = await together(lanes, async () => {
    const mine = await connection(pair);
    const { body } = await pair.post(0, '/token', await mine.code());
    const token = String(body['access_token']);
    const { sub, grant_id } = claimsOf(token);
    return { person: mine.person, token, accountId: String(sub), grantId: String(grant_id) };
  });
  return {
    close: () => storage.close(),
    async round(lane) {
      const { person, token, accountId, grantId } = held[lane] as (typeof held)[number];
      const upstream = `weather-${lane}`;
      // a link as the server makes it when the library asks for a key that is not there
      const secret = random();
      const now = Date.now();
      const row = { digest: digest('connect link', secret), accountId, grantId, upstream };
      const work = storage.work();
      work.add(
        storage.connectLinks.insert({ ...row, createdAt: now, expiresAt: now + 60_000, consumedAt: null }),
      );
      await work.commit();
      const page = await person.visit(`${pair.issuer}/connect/${secret}`);
      const form = formsOf(page.html, page.url).find(({ action }) => action.includes('/connect/'));
      expect(form, textOf(page.html)).toBeDefined();
      const csrf = form?.controls.find(({ name }) => name === 'csrf')?.value ?? '';
      const cookie = person.cookies.header(page.url) ?? '';
      const keys = Array.from({ length: EIGHT }, () => `wx-${random()}`);
      const replies = await together(EIGHT, (each) =>
        pair.send(each, `/connect/${secret}`, {
          method: 'POST',
          headers: { cookie, origin: pair.issuer, accept: 'text/html' },
          body: new URLSearchParams({ csrf, key: keys[each] ?? '' }),
        }),
      );
      const won = replies.flatMap(({ status }, each) => (status === 200 ? [keys[each]] : []));
      expect(won, replies.map(({ status, text }) => `${status} ${textOf(text)}`).join('\n')).toHaveLength(1);
      for (const { status, text } of replies) expect([200, 409, 410], textOf(text)).toContain(status);
      const exchanged = await pair.post(
        1,
        '/token',
        {
          grant_type: TOKEN_EXCHANGE,
          subject_token: token,
          subject_token_type: ACCESS_TOKEN,
          audience: upstream,
        },
        SERVER,
      );
      expect([exchanged.status, exchanged.body['access_token']]).toEqual([200, won[0]]);
    },
  };
}
