// What somebody would write who did without Cardea: oidc-provider, an adapter over SQLite (one table, one
// autocommitted statement a call), a sign-in form and a consent form. Opaque tokens. It does the same work as
// Cardea where the two can be compared: synchronous=FULL, the same password hash, rotation of refresh tokens.

import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import argon2 from 'argon2';
import Sqlite from 'better-sqlite3';
import { exportJWK, generateKeyPair } from 'jose';
import Provider, { type Adapter, type AdapterPayload } from 'oidc-provider';
import { ACCOUNT, RESOURCE, RESOURCE_SERVER, SCOPE } from './world.ts';

const port = Number(process.env['CARDEA_PORT']);
const db = new Sqlite(process.env['DATABASE']);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec(`CREATE TABLE oidc (model TEXT, id TEXT, payload TEXT, grant_id TEXT, uid TEXT, consumed INTEGER,
  expires INTEGER, PRIMARY KEY (model, id)) WITHOUT ROWID;
  CREATE INDEX by_grant ON oidc (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX by_uid ON oidc (uid) WHERE uid IS NOT NULL;`);
const sql = {
  put: db.prepare(`INSERT INTO oidc VALUES (?, ?, ?, ?, ?, NULL, ?) ON CONFLICT DO UPDATE SET
    payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid, expires = excluded.expires`),
  get: db.prepare('SELECT payload, consumed, expires FROM oidc WHERE model = ? AND id = ?'),
  byUid: db.prepare('SELECT payload, consumed, expires FROM oidc WHERE uid = ? AND model = ?'),
  remove: db.prepare('DELETE FROM oidc WHERE model = ? AND id = ?'),
  removeGrant: db.prepare('DELETE FROM oidc WHERE grant_id = ?'),
  consume: db.prepare('UPDATE oidc SET consumed = ? WHERE model = ? AND id = ?'),
};

const now = (): number => Math.floor(Date.now() / 1000);

function payloadOf(found: unknown): AdapterPayload | undefined {
  const row = found as { payload: string; consumed: number | null; expires: number | null } | undefined;
  if (!row || (row.expires && row.expires < now())) return undefined;
  return { ...JSON.parse(row.payload), ...(row.consumed ? { consumed: row.consumed } : {}) };
}

const adapter = (model: string): Adapter => ({
  async upsert(id, payload, expiresIn) {
    const { grantId = null, uid = null } = payload;
    sql.put.run(model, id, JSON.stringify(payload), grantId, uid, expiresIn ? now() + expiresIn : null);
  },
  find: async (id) => payloadOf(sql.get.get(model, id)),
  findByUid: async (uid) => payloadOf(sql.byUid.get(uid, model)),
  findByUserCode: async () => undefined,
  destroy: async (id) => void sql.remove.run(model, id),
  revokeByGrantId: async (grantId) => void sql.removeGrant.run(grantId),
  consume: async (id) => void sql.consume.run(now(), model, id),
});

const { privateKey } = await generateKeyPair('ES256', { extractable: true });
const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter,
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'one' } as never] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  clients: [
    {
      client_id: RESOURCE_SERVER.id,
      client_secret: RESOURCE_SERVER.secret,
      redirect_uris: [],
      response_types: [],
      grant_types: [],
    },
  ],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_ctx, client) => client.clientId === RESOURCE_SERVER.id },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: SCOPE, audience: RESOURCE, accessTokenFormat: 'opaque' }),
    },
  },
  ttl: {
    AuthorizationCode: 600,
    AccessToken: 3600,
    RefreshToken: 5_184_000,
    Grant: 31_536_000,
    Session: 86_400,
    Interaction: 3600,
  },
});

const hash = await argon2.hash(ACCOUNT.password, {
  type: argon2.argon2id,
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
});
const page = (fields: string): string => `<!doctype html><form method="post">${fields}</form>`;
const SIGN_IN = page(
  '<input name="username"><input name="password" type="password"><button>Sign in</button>',
);
const CONSENT = page('<button name="decision" value="allow">Allow</button>');

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  const { prompt, params, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === 'GET') {
    ctx.type = 'html';
    ctx.body = prompt.name === 'login' ? SIGN_IN : CONSENT;
    return;
  }
  const fields = new URLSearchParams(await text(ctx.req));
  ctx.respond = false;
  if (prompt.name === 'login') {
    if (!(await argon2.verify(hash, fields.get('password') ?? ''))) throw new Error('wrong password');
    const login = { accountId: fields.get('username') ?? '' };
    await provider.interactionFinished(ctx.req, ctx.res, { login }, { mergeWithLastSubmission: false });
    return;
  }
  const known = grantId ? await provider.Grant.find(grantId) : undefined;
  const grant =
    known ??
    new provider.Grant({ accountId: session?.accountId ?? '', clientId: String(params['client_id']) });
  grant.addResourceScope(RESOURCE, SCOPE);
  const consent = { grantId: await grant.save() };
  await provider.interactionFinished(ctx.req, ctx.res, { consent }, { mergeWithLastSubmission: true });
});

provider.listen(port, '127.0.0.1', () => process.stdout.write('alternative ready \n'));
