// Two upstreams as they are, an OpenID provider in a process of its own and a GitHub App, and what may go wrong with
// each of them on any day: seen by the connector, and by the vault that has to live with it. THREATS I22, I23, I30.

import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { random, sealingKey } from '../../../src/crypto.ts';
import { audit } from '../../../src/domain/audit.ts';
import type { Connector, UpstreamTokens } from '../../../src/domain/upstream/connector.ts';
import { vault } from '../../../src/domain/vault.ts';
import { Refusal } from '../../../src/errors.ts';
import { openStorage, type Storage } from '../../../src/storage/open.ts';
import { companyProcess } from '../../support/company-process.ts';
import { databases, type TestDatabase } from '../../support/databases.ts';
import { github } from '../../support/github.ts';
import { CLIENT } from '../../support/upstream-company.ts';
import type { Mischief } from '../../support/upstream-mischief.ts';
import { connectorTo, REDIRECT, trip } from '../../support/upstream-trip.ts';

type Line = {
  asked(path?: string): unknown[];
  set(path: string, mischief: Mischief, times?: number): void;
  honest(): void;
};

type Upstream = Line & {
  tokenPath: string;
  connector: () => Connector;
  /** Somebody signs in there and connects. */
  connect: (of?: Connector) => Promise<UpstreamTokens & { subject: string }>;
  /** The person ends it there. */
  end: (tokens: UpstreamTokens) => Promise<void> | void;
  close: () => Promise<void>;
};

async function company(): Promise<Upstream> {
  const acme = await companyProcess(REDIRECT);
  const scopes = ['openid', 'profile', 'email', 'offline_access', 'calendar:read'];
  const connector = () =>
    connectorTo({
      ...{ issuer: acme.origin, clientId: CLIENT.id, secret: CLIENT.secret, patience: 1_000 },
      vault: { scopes },
    });
  return {
    ...acme,
    tokenPath: '/token',
    connector,
    async connect(of = connector()) {
      const given = trip({ scopes });
      const callback = await acme.visit(await of.authorizationUrl(given), 'kim');
      const { tokens, person } = await of.redeem(given, callback);
      return { ...tokens, subject: person.subject };
    },
    end: ({ refreshToken }) => acme.end(refreshToken ?? ''),
  };
}

async function hub(): Promise<Upstream> {
  const git = await github({ app: true });
  const { origin: issuer, clientId, secret } = git;
  const connector = () =>
    connectorTo({
      kind: 'github',
      issuer,
      clientId,
      secret,
      scopes: [],
      vault: { scopes: [] },
      patience: 1_000,
    });
  return {
    ...git,
    tokenPath: '/login/oauth/access_token',
    connector,
    async connect(of = connector()) {
      const given = trip({ scopes: [] });
      const { tokens, person } = await of.redeem(
        given,
        await git.visit(await of.authorizationUrl(given), 'octo'),
      );
      return { ...tokens, subject: person.subject };
    },
    end: () => git.end('octo'),
  };
}

const reasonOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing',
    (error: unknown) => (error instanceof Refusal ? error.reason : String(error)),
  );

const FAULTS: [string, Mischief, string][] = [
  ['keeps silent', { is: 'silent' }, 'upstream_unavailable'],
  ['answers drop by drop', { is: 'drip' }, 'upstream_unavailable'],
  ['has an error', { is: 'status', status: 503 }, 'upstream_unavailable'],
  ['hangs up', { is: 'hang up' }, 'upstream_unavailable'],
  ['sends what is no answer', { is: 'body', body: '{"access_token":' }, 'upstream_misbehaved'],
  ['sends 50 MB', { is: 'oversize' }, 'upstream_unavailable'],
];

describe.each([
  ['the company', company],
  ['GitHub', hub],
])('%s', (name, make) => {
  let up: Upstream;
  let database: TestDatabase;
  let storage: Storage;
  beforeAll(async () => {
    up = await make();
    database = await (databases[0]?.[1] ?? expect.fail)();
    storage = await openStorage(database.location);
  }, 60_000);
  afterEach(() => up.honest());
  afterAll(async () => {
    await up?.close();
    await storage?.close();
    await database?.remove();
  });

  test('is honest: a refresh token is good once, and what is revoked there is over', async () => {
    const connector = up.connector();
    const tokens = await up.connect(connector);
    const next = await connector.refresh(tokens);
    expect(next.refreshToken).not.toBe(tokens.refreshToken);
    await up.end(next);
    expect(await reasonOf(connector.refresh(next))).toBe('upstream_revoked');
  });

  test('takes its time: nothing is lost by it', async () => {
    up.set(up.tokenPath, { is: 'delay', ms: 300 });
    const connector = up.connector();
    const tokens = await up.connect(connector);
    expect((await connector.refresh(tokens)).accessToken).not.toBe(tokens.accessToken);
  });

  test.each(FAULTS)(
    '%s: nobody is signed in by it, and no connection ends by it',
    async (_what, fault, reason) => {
      const tokens = await up.connect();
      up.set(up.tokenPath, fault);
      expect(await reasonOf(up.connect())).toBe(reason);
      expect(await reasonOf(up.connector().refresh(tokens))).toBe(reason);
      up.honest();
      expect((await up.connector().refresh(tokens)).accessToken).toBeTruthy();
    },
  );

  test.runIf(name === 'the company')(
    'publishes keys that are not its own: nobody is signed in by them',
    async () => {
      const { publicKey } = await generateKeyPair('RS256');
      const jwk = { ...(await exportJWK(publicKey)), kid: 'acme-1', alg: 'RS256', use: 'sig' };
      up.set('/jwks', { is: 'body', body: JSON.stringify({ keys: [jwk] }) });
      expect(await reasonOf(up.connect())).toBe('upstream_misbehaved');
    },
  );

  describe('behind the vault', () => {
    let now = Date.now();
    const clock = () => now;

    async function house() {
      const connector = up.connector();
      const { upstreamConnections: store, work } = storage;
      const ring = { current: sealingKey(randomBytes(32).toString('base64url')), previous: [] };
      const record = audit({ store: storage.audit, clock });
      const kept = vault({ store, audit: record, clock, ring, work, connector: () => connector });
      const accountId = random(8);
      const { subject, ...tokens } = await up.connect(connector);
      const common = { accountId, clientId: 'c', createdAt: now, endedAt: null, endedBy: null };
      const [grantId, familyId] = [random(8), random(8)];
      const connecting = storage.work();
      connecting.add(
        storage.grants.insert({
          ...common,
          ...{ id: grantId, clientName: 'C', clientIdentity: 'i', resource: 'https://r.example/' },
          ...{ scopes: [], tools: {}, upstreams: ['up'], version: 1, updatedAt: now, expiresAt: now + 1e10 },
        }),
        storage.families.insert({ ...common, id: familyId, lastUsedAt: null, accessUntil: null }),
      );
      const person = { issuer: 'https://up.example', subject: `${subject} ${accountId}`, groups: [] };
      await kept.connect(connecting, {
        accountId,
        upstream: 'up',
        person,
        tokens: { ...tokens, expiresAt: now },
      });
      await connecting.commit();
      const deliver = async () => {
        const one = storage.work();
        const scopes = name === 'the company' ? ['calendar:read'] : [];
        const given = await kept.deliver(one, {
          ...{ accountId, upstream: 'up', grantId, familyId, scopes, whole: true },
        });
        await one.commit();
        return given;
      };
      const list = () => kept.list(accountId);
      const newest = async () => {
        let tokens: UpstreamTokens | undefined;
        await kept.ask(accountId, 'up', async (_connector, have) => {
          tokens = have;
        });
        return tokens ?? expect.fail();
      };
      return { deliver, list, newest };
    }

    test.each(FAULTS)(
      '%s: 503 for the server that asks, and the connection is there when it is over',
      async (_what, fault) => {
        const { deliver, list } = await house();
        up.set(up.tokenPath, fault);
        const error = await deliver().catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ status: 503, oauth: 'temporarily_unavailable' });
        expect((await list())[0]).not.toHaveProperty('ended');
        up.honest();
        now += 60_000;
        expect((await deliver()).accessToken).toBeTruthy();
      },
    );

    test('renews the token and its answer is lost: asked once more, and then the person has to connect again', async () => {
      const { deliver, list } = await house();
      up.set(up.tokenPath, { is: 'lost answer' });
      expect(await deliver().catch((thrown: unknown) => thrown)).toMatchObject({ status: 503 });
      up.honest();
      now += 60_000;
      up.asked();
      for (let again = 0; again < 3; again += 1)
        expect(await deliver().catch((thrown: unknown) => thrown)).toMatchObject({
          oauth: 'connect_required',
        });
      expect(up.asked(up.tokenPath)).toHaveLength(1);
      expect(await list()).toMatchObject([{ ended: 'refresh_lost' }]);
    });

    test('is told by the person that it is over: the server is told to connect, once, and the person why', async () => {
      const { deliver, list, newest } = await house();
      await deliver();
      await up.end(await newest());
      now += 30 * 3_600_000;
      expect(await deliver().catch((thrown: unknown) => thrown)).toMatchObject({ oauth: 'connect_required' });
      expect(await list()).toMatchObject([{ ended: 'revoked_upstream' }]);
    });
  });
});
