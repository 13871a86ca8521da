// What a server says in its log when everything goes wrong: each store fails as talkatively as a driver can, with all
// that it was given, while somebody sends what is secret. Part of lives.ts.

import { exchange } from '../../support/exchange.ts';
import { authorize, authorizeUrl, connect, introspect } from '../../support/flow.ts';
import type { Server } from '../../support/server.ts';
import type { World } from './lives.ts';
import { DEVICE_GRANT, ROBOT, TV } from './programs.ts';

export const STORES = [
  'artifacts',
  'clients',
  'families',
  'grants',
  'connectLinks',
  'upstreamConnections',
  'upstreamTransactions',
] as const;

type Name = (typeof STORES)[number];

/** Every verb of this store throws, and says with what it was called. Returns how to undo that. */
function failing({ storage }: Server['rooms'], name: Name): () => void {
  const store = storage[name] as Record<string, unknown>;
  const whole = { ...store };
  for (const verb of Object.keys(whole)) {
    store[verb] = (...args: unknown[]) => {
      throw new Error(`Failed query: ${name}.${verb}\nparams: ${JSON.stringify(args)}`);
    };
  }
  return () => Object.assign(store, whole);
}

export const failures: Record<string, (world: World) => Promise<unknown>> = {
  async 'secrets that are sent while nothing works'({ server, alex }) {
    for (const name of STORES) {
      const { tokens, client, refresh } = await connect(server, { by: alex });
      const { redeemWith } = await authorize(server, { by: alex, client });
      const away = await alex.press(await alex.visit(`${server.issuer}/sign-in`), 'upstream', 'company');
      const state = new URL(String(away)).searchParams.get('state');
      const back = `${server.issuer}/upstream/company/callback?code=a-code-of-the-company&state=${state}`;
      const { client_id } = client;
      const { access_token: token, refresh_token } = tokens;
      const device = { grant_type: DEVICE_GRANT, device_code: refresh_token, client_id: TV };
      const mend = failing(server.rooms, name);
      try {
        await exchange(server, token);
        await introspect(server, token);
        for (const url of [back, `${server.issuer}/connect/${refresh_token}`])
          await alex.visit(url).catch(() => {});
        await alex.visit(authorizeUrl(server, { client_id })).catch(() => {});
        await redeemWith();
        await refresh(refresh_token);
        await server.post('/token', device);
        await server.post('/token', { grant_type: 'client_credentials' }, { ...ROBOT, secret: `${token}x` });
        await server.post('/revoke', { token: refresh_token, client_id });
      } finally {
        mend();
      }
    }
  },
};
