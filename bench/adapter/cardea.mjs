// Cardea as a peer of a benchmark driver: copy this file, cardea-jwt.mjs, cardea-pg.mjs, postgres.mjs and launch.mjs into the driver's adapters/
// (launch.mjs as _cardea-launch.mjs), and set CARDEA_REPO.

import { fileURLToPath } from 'node:url';
import { fillForm } from '../lib/oauth.mjs';

const FORM = 'application/x-www-form-urlencoded';
let next = 0;

const STORES = {
  sqlite: 'SQLite WAL+FULL',
  postgres: 'PostgreSQL (pool 10, synchronous_commit on; CPU and memory include it)',
};

export const cardea = (format, database = 'sqlite') => ({
  title: `Cardea, ${STORES[database]}, ${format === 'jwt' ? 'ES256 JWT' : 'opaque'} access tokens, argon2id sign-in`,
  launch: {
    cmd: process.execPath,
    args: [fileURLToPath(new URL('_cardea-launch.mjs', import.meta.url))],
    env: { FORMAT: format, DATABASE: database, CARDEA_REPO: process.env.CARDEA_REPO },
  },
  tokens: format,
  maxSeed: 0,
  unsupported: ['client_credentials'],
  // what introspects is the MCP server, registered with its resource, not a client that registered itself
  async register(target, user, kind) {
    if (kind === 'service')
      return { client_id: 'bench-server', client_secret: 'a-secret-of-the-bench-server-0001' };
    const document = {
      client_name: 'bench client',
      redirect_uris: ['http://127.0.0.1:9/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
    const made = await user.conn.request(
      'POST',
      target.ep.register,
      { 'Content-Type': 'application/json' },
      JSON.stringify(document),
    );
    if (made.status !== 201) throw new Error(`register: ${made.status} ${made.body}`);
    return made.json();
  },
  async authorize(target, user, client) {
    const begun = target.begin(client);
    const values = { username: `bench-${next++ % 64}`, password: 'correct horse battery' };
    return target.drive(user, begun, await user.go('GET', begun.url), begun.url, async (page, path) => {
      const form = fillForm(page.body, path, values);
      const headers = { Origin: target.origin };
      return {
        res: await user.go('POST', form.path, { type: FORM, body: form.body, headers }),
        path: form.path,
      };
    });
  },
});

export default cardea('opaque');
