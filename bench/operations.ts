// What is measured. Preparing is not; what it hands back is asked for the next operation until there is none, or
// until the time is over.

import type { Client, Code } from './client.ts';

export type Run = () => Promise<unknown>;

export type Operation = {
  about: string;
  /** Whom it is compared with. */
  against: 'bare Koa' | 'oidc-provider';
  /** For one client; `most` is how many things may be made ahead that an operation uses up. */
  prepare(client: Client, most: number): Promise<() => Run | undefined>;
};

/** The same thing again and again. */
const again =
  (act: (client: Client) => Promise<unknown>): Operation['prepare'] =>
  async (client) =>
  () =>
  () =>
    act(client);

const connected = async (client: Client) => client.exchange(await client.authorize(client.someone()));

export const operations: Record<string, Operation> = {
  metadata: { about: 'metadata', against: 'bare Koa', prepare: again((client) => client.metadata()) },
  jwks: { about: 'JWKS', against: 'bare Koa', prepare: again((client) => client.jwks()) },
  register: {
    about: 'registration',
    against: 'oidc-provider',
    prepare: again((client) => client.register()),
  },
  connect: {
    about: 'sign-in, consent, code, tokens',
    against: 'oidc-provider',
    prepare: again(connected),
  },
  exchange: {
    about: 'code for tokens',
    against: 'oidc-provider',
    async prepare(client, most) {
      const by = client.someone();
      const ready: Code[] = [];
      while (ready.length < most) ready.push(await client.authorize(by));
      return () => {
        const code = ready.pop();
        return code && (() => client.exchange(code));
      };
    },
  },
  refresh: {
    about: 'refresh',
    against: 'oidc-provider',
    async prepare(client) {
      let held = await connected(client);
      return () => async () => {
        held = await client.refresh(held.refresh_token);
      };
    },
  },
  introspect: {
    about: 'introspection',
    against: 'oidc-provider',
    async prepare(client) {
      const held = await connected(client);
      return () => () => client.introspect(held.access_token);
    },
  },
};
