// One-time links for a person whose MCP server wants an upstream that is not connected, or not allowed to it yet.
// A link names account, grant and upstream; opened by anybody else it does nothing, and it opens once.

import type { Clock } from '../../clock.ts';
import { digest, random } from '../../crypto.ts';
import { Refusal } from '../../errors.ts';
import type { Work } from '../../storage/commit.ts';
import type { ConnectLinkStore } from '../../storage/connect-links.ts';

const LINK_LIFE = 15 * 60_000;

export type ConnectLink = { accountId: string; grantId: string; upstream: string };

const used = (): Refusal =>
  new Refusal('This link has been used or has run out.', {
    reason: 'connect_link_used',
    status: 410,
    hint: 'Go back to the app and let it try again; it will show a new link.',
  });

export function connectLinks({ store, clock }: { store: ConnectLinkStore; clock: Clock }) {
  const digestOf = (token: string): string => digest('connect link', token);

  return {
    /** The secret part of a new link. Kept also when the request is refused: that is when it is needed. */
    make(work: Work, link: ConnectLink): string {
      const token = random();
      const now = clock();
      work.keep(
        store.insert({
          digest: digestOf(token),
          ...link,
          createdAt: now,
          expiresAt: now + LINK_LIFE,
          consumedAt: null,
        }),
      );
      return token;
    },

    /** What a link stands for. Throws a Refusal (410) when it was used or has run out, and when it is not this person's. */
    async look(token: string, accountId: string): Promise<ConnectLink> {
      const row = await store.find(digestOf(token));
      if (!row || row.consumedAt !== null || row.expiresAt <= clock()) throw used();
      if (row.accountId !== accountId) {
        throw new Refusal('This link was made for somebody else.', {
          reason: 'connect_link_foreign',
          status: 403,
          hint: 'Sign out and sign in with the account that the app is connected with.',
        });
      }
      return { accountId, grantId: row.grantId, upstream: row.upstream };
    },

    /** Uses it up. Loses when somebody else has. */
    consume: (work: Work, token: string): void =>
      work.add({ ...store.consume(digestOf(token), clock()), lost: async () => used() }),
  };
}

export type ConnectLinks = ReturnType<typeof connectLinks>;
