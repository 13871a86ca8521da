// Two processes on one database that takes 15 ms for everything: of those who want the same thing, one has it.
// THREATS D25, E12, E27, F03, F06, F07, H06, I04, P03, P08, R01.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databases, type TestDatabase } from '../support/databases.ts';
import { basicConfig } from '../support/server.ts';
import { proofContest } from './contest-dpop.ts';
import { connectLinkContest, WEATHER } from './contest-links.ts';
import { administratorContest, consentContest, registrationContest } from './contest-pages.ts';
import {
  deviceApprovalContest,
  deviceRedemptionContest,
  pushedContest,
  TELEVISIONS,
} from './contest-requests.ts';
import {
  assertionContest,
  codeContest,
  refreshContest,
  revokeContest,
  theftContest,
} from './contest-tokens.ts';
import { type Pair, rounds, startPair } from './pair.ts';

const long = process.env['CARDEA_LONG'] !== undefined;

// In the long run more than ten thousand contests, over both databases. Answers to a device stay few: whoever loses one has
// typed a code that is none any more, and an account may do that only so often.
const CONTESTS = [
  ['a code is redeemed once', codeContest, 20, 1_200],
  ['everyone who refreshes at once gets the same successor', refreshContest, 25, 1_800],
  ['a family whose token came back is dead altogether or alive altogether', theftContest, 8, 400],
  ['nothing of a family is active once its revocation is answered', revokeContest, 16, 600],
  ['a client assertion is good for one request', assertionContest, 20, 500],
  ['a DPoP proof is good for one request', proofContest, 12, 500],
  ['one consent gives one code', consentContest, 16, 400],
  ['a pushed request is shown to one browser', pushedContest, 12, 400],
  ['a device hears one answer', deviceApprovalContest, 12, 12],
  ['a device code is redeemed once', deviceRedemptionContest, 12, 300],
  ['a link to connect something elsewhere is used once', connectLinkContest, 12, 300],
  ['a link for the first administrator makes one account', administratorContest, 4, 50],
  ['a registration sent twice is answered twice, and known to both', registrationContest, 4, 50],
] as const;

const LANES = 4;

describe.each(databases)('two processes on %s', (_name, make) => {
  let database: TestDatabase;
  let pair: Pair;
  beforeAll(async () => {
    database = await make();
    pair = await startPair(database, async () => ({
      ...basicConfig,
      ...WEATHER,
      clients: TELEVISIONS,
      trusted_proxies: ['127.0.0.1'],
    }));
  }, 120_000);
  afterAll(async () => {
    await pair?.close();
    await database?.remove();
  });

  it.each(CONTESTS)(
    '%s',
    async (_rule, contest, few, many) => {
      const begun = await contest(pair, database, LANES);
      try {
        await rounds(long ? many : few, LANES, begun.round);
      } finally {
        await begun.close?.();
      }
      expect(pair.log()).not.toMatch(/"level":"(error|fatal)"/);
    },
    long ? 1_800_000 : 60_000,
  );
});
