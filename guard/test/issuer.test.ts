import { afterEach, beforeEach, expect, test } from 'vitest';
import { createGuard, type GuardOptions } from '../src/guard.ts';
import { type FakeIssuer, fakeIssuer, signingKey } from './fake-issuer.ts';
import { scopes } from './protected-server.ts';

const resource = 'https://library.example/mcp';
let issuer: FakeIssuer;
let now: number;

beforeEach(async () => {
  issuer = await fakeIssuer();
  now = Date.now();
});
afterEach(() => issuer.close());

function statusWith(options: Partial<GuardOptions> = {}) {
  const guard = createGuard({ issuer: issuer.issuer, resource, scopes, now: () => now, ...options });
  return async (token: string): Promise<number> => {
    const authorization = [`Bearer ${token}`];
    const decision = await guard.decide({
      method: 'GET',
      path: '/mcp',
      authorization,
      proofs: [],
      body: async () => undefined,
    });
    if (decision.ok) return 200;
    if (decision.response.status === 503) expect(decision.response.headers.get('retry-after')).toBe('5');
    return decision.response.status;
  };
}

const minutes = (count: number) => count * 60_000;

test('keys are fetched once for many tokens', async () => {
  const status = statusWith();
  for (let each = 0; each < 5; each++) expect(await status(await issuer.token(resource))).toBe(200);
  expect(issuer.asked).toEqual(['/.well-known/oauth-authorization-server', '/jwks']);
});

test('an unknown key id causes one more fetch and then a refusal', async () => {
  const status = statusWith({ keys: { cooldown: 0 } });
  await status(await issuer.token(resource));
  expect(await status(await issuer.token(resource, {}, { key: await signingKey('strange') }))).toBe(401);
  expect(issuer.askedFor('/jwks')).toBe(2);
});

test('within the cooldown an unknown key id causes no fetch at all', async () => {
  const status = statusWith();
  await status(await issuer.token(resource));
  const key = await signingKey('strange');
  for (let each = 0; each < 5; each++)
    expect(await status(await issuer.token(resource, {}, { key }))).toBe(401);
  expect(issuer.askedFor('/jwks')).toBe(1);
});

test('a new signing key is picked up without restart', async () => {
  const status = statusWith({ keys: { cooldown: 0 } });
  await status(await issuer.token(resource));
  const key = await signingKey('second');
  issuer.state.published.push(key);
  expect(await status(await issuer.token(resource, {}, { key }))).toBe(200);
});

test('a key that the issuer withdrew stops working after the refresh', async () => {
  const status = statusWith();
  const token = await issuer.token(resource, { exp: now / 1000 + 7200 });
  expect(await status(token)).toBe(200);
  issuer.state.published = [await signingKey('second')];
  now += minutes(11);
  expect(await status(token)).toBe(401);
});

test('known keys work on while the issuer is away', async () => {
  const status = statusWith();
  const token = await issuer.token(resource, { exp: now / 1000 + 7200 });
  expect(await status(token)).toBe(200);
  issuer.state.down.add('/jwks').add('/.well-known/oauth-authorization-server');
  now += minutes(61);
  expect(await status(token)).toBe(200);
});

test('keys older than a day are not trusted while the issuer is away', async () => {
  const status = statusWith();
  expect(await status(await issuer.token(resource))).toBe(200);
  issuer.state.down.add('/jwks');
  now += minutes(25 * 60);
  expect(await status(await issuer.token(resource, { exp: now / 1000 + 600 }))).toBe(503);
});

test('an issuer that was never reached is 503, and is asked again, not at once, but soon', async () => {
  const status = statusWith();
  issuer.state.down.add('/.well-known/oauth-authorization-server');
  const token = await issuer.token(resource);
  expect(await status(token)).toBe(503);
  expect(await status(token)).toBe(503);
  expect(issuer.askedFor('/.well-known/oauth-authorization-server')).toBe(1);
  issuer.state.down.clear();
  now += 6_000;
  expect(await status(token)).toBe(200);
});

test('metadata of another issuer is not used', async () => {
  issuer.state.metadata = { issuer: `${issuer.issuer}/` };
  expect(await statusWith()(await issuer.token(resource))).toBe(503);
});

test.each([
  ['a symmetric algorithm', { algorithms: ['HS256'] }, /algorithms/],
  ['an issuer over plain http', { issuer: 'http://auth.example' }, /https/],
  ['a resource with a fragment', { resource: 'https://library.example/mcp#a' }, /resource/],
  ['one tool in two scopes', { scopes: { a: ['x'], b: ['x'] } }, /"x" is in both/],
  ['a scope with a space', { scopes: { 'a b': ['x'] } }, /cannot be a scope name/],
])('%s cannot be configured', (_name, options, message) => {
  expect(() => createGuard({ issuer: issuer.issuer, resource, scopes, ...(options as object) })).toThrow(
    message,
  );
});
